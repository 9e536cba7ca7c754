// Caches of the cluster over HTTP, on three real nodes: no stale read in any pattern, and one query for a thousand who come at once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  askCache,
  type CachingCluster,
  clusterPatterns,
  forgetfulPattern,
  NODES,
  startCachingCluster,
} from '../drill/caches/cluster-patterns.ts';
import type { Rows } from '../drill/caches/row-server.ts';
import { countStaleReads } from '../drill/stale-reads.ts';

const OPTIONS = { operations: 1500, clients: 4, seed: 1 };
const READERS = 1000;

describe('with clients that load and write the same rows over three nodes', () => {
  let cluster: CachingCluster;
  beforeAll(async () => {
    cluster = await startCachingCluster();
  });
  afterAll(() => cluster?.close());

  test.each(['read-through', 'write-through', 'write-behind'])(
    '%s never shows less than a write that had ended to who reads with its token',
    async (name) => {
      const pattern = clusterPatterns(cluster).find((one) => one.name === name);
      if (pattern === undefined) throw new Error(`there is no ${name}`);
      const counted = await countStaleReads(pattern, NODES, OPTIONS);
      expect(counted).toMatchObject({ stale: 0, staleAtEnd: 0 });
      expect(counted.reads + counted.writes).toBe(OPTIONS.operations);
      expect(counted.refused).toBeGreaterThan(0);
    },
  );

  test('writes of which the cache does not hear are found out', async () => {
    const counted = await countStaleReads(forgetfulPattern(cluster), NODES, OPTIONS);
    expect(counted.stale).toBeGreaterThan(0);
  });

  /** All at once, in turn over the nodes. */
  const readMany = (path: string) =>
    Promise.all(
      Array.from({ length: READERS }, (_, n) => {
        const node = cluster.nodes[n % cluster.nodes.length];
        if (node === undefined) throw new Error('there is no node');
        return askCache(node, path, { method: 'GET' });
      }),
    );

  /** One row, whose loads are counted and wait. */
  const countedLoads = (load: () => Promise<number>) => {
    const counted = { loads: 0 };
    const rows: Rows = {
      load: () => {
        counted.loads += 1;
        return load();
      },
      increment: () => Promise.reject(new Error('nobody writes')),
      set: () => Promise.reject(new Error('nobody writes')),
    };
    cluster.rows.serve(rows);
    return counted;
  };

  test('a thousand reads of a cold key over three nodes are one query', async () => {
    const landed = Promise.withResolvers<number>();
    const counted = countedLoads(() => landed.promise);
    const reads = readMany('aside/entries/1000001');
    // Each node has been busy with the reads before it says how it is.
    await Promise.all(cluster.nodes.map((node) => askCache(node, 'aside', { method: 'GET' })));
    landed.resolve(7);
    const answers = await reads;
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 {"count":7}']));
    expect(counted.loads).toBe(1);
  });

  test('a thousand reads of a stale key whose source is down are one attempt, and are served what there was', async () => {
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error('there is no node');
    const policy = { ttlMs: 1, graceMs: 600_000 };
    expect((await askCache(node, 'aside/policy', { method: 'PUT', body: policy })).status).toBe(200);
    countedLoads(() => Promise.resolve(8));
    const path = 'aside/entries/1000002';
    await expect.poll(async () => (await askCache(node, path, { method: 'GET' })).cacheStatus).toMatch(/^memory; hit/);
    const counted = countedLoads(() => Promise.reject(new Error('is down')));
    const answers = await readMany(path);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 {"count":8}']));
    expect(answers.filter(({ cacheStatus }) => cacheStatus.endsWith('detail=stale')).length).toBeGreaterThan(
      READERS / 2,
    );
    expect(counted.loads).toBe(1);
  });
});
