// What holds of snapshots and trims with real processes, on any log: restart, kill -9 while one is saved, damage, and a log that lost its snapshots.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SnapshotStore } from '../../src/log/snapshot-store.ts';
import type { ClusterView } from '../../src/node/requests.ts';
import { type ChorusNodeServer, type ChorusNodes, startChorusNodes, until } from '../servers/chorus.ts';
import { freePort } from '../servers/places.ts';

type SnapshotsPlace = {
  readonly flags: readonly string[];
  /** The store that the nodes share; `dataDir` is theirs. */
  openStore(dataDir: string): Promise<SnapshotStore>;
};

/** Values of so many bytes: a snapshot of them takes long enough to be interrupted. */
const BIG = 200_000;
const BIG_KEYS = 60;

/** `place` is asked when the tests begin. */
export function snapshotsSuite(place: () => SnapshotsPlace): void {
  let running: ChorusNodes;
  let first: ChorusNodeServer;
  let second: ChorusNodeServer;
  let store: SnapshotStore;

  beforeAll(async () => {
    const { flags, openStore } = place();
    running = await startChorusNodes({ nodes: 2, flags });
    [first, second] = running.nodes as [ChorusNodeServer, ChorusNodeServer];
    store = await openStore(`${running.directory}/data`);
    for (let n = 0; n < BIG_KEYS; n++) await put(first.url, `big-${n}`, Buffer.alloc(BIG, n));
  }, 120_000);
  afterAll(async () => {
    await store?.close();
    await running?.close();
  });

  test('a snapshot is saved by the node that is asked and verified by the other; after two the log is trimmed', async () => {
    const before = await take(second.url);
    expect(before).toMatchObject({ keys: BIG_KEYS, verified: true });
    await take(first.url);
    await trimmed(first.url, before.offset);
    const { snapshots } = await clusterOf(first.url);
    expect(snapshots.verified.map(({ by }) => by)).toEqual(['node-1', 'node-2']);
    expect((await store.list()).length).toBe(2);
  });

  test('a killed node starts from the newest snapshot, applies the rest of the log, and equals the other', async () => {
    await put(first.url, 'after', 'the snapshot');
    await second.server.kill();
    await put(first.url, 'meanwhile', 'written');
    await second.server.start();
    expect(second.server.output).toContain('restored a snapshot');
    expect(await read(second.url, 'after')).toBe('the snapshot');
    expect(await read(second.url, 'meanwhile')).toBe('written');
    await agree(first.url);
  });

  test('a node killed while it saves one leaves nothing that anybody takes for a snapshot', async () => {
    for (const pauseMs of [1, 10, 30, 60]) {
      const asked = fetch(`${second.url}/v1/snapshots`, { method: 'POST' }).catch(() => undefined);
      await delay(pauseMs);
      await second.server.kill();
      await asked;
      await second.server.start();
      expect(await read(second.url, 'meanwhile')).toBe('written');
    }
    const { revision } = await take(second.url);
    // Each node hears of it when it has applied the log so far.
    await until('the other knows it', async () => {
      const newest = (await clusterOf(first.url)).snapshots.verified.at(-1);
      return newest?.revision === revision;
    });
    await agree(first.url);
  });

  test('a damaged snapshot is passed over for an older one', async () => {
    const [newest] = await store.list();
    const { chunks, manifest } = await store.open(newest?.id ?? '');
    const revision = 1_000_000_000;
    await store.save({ revision: revision + 1, manifest: Buffer.from('no manifest') }, chunks);
    await store.save({ revision, manifest }, cutShort((await store.open(newest?.id ?? '')).chunks));
    await second.server.kill();
    await second.server.start();
    expect(second.server.output.match(/passed over a snapshot/g)?.length).toBeGreaterThanOrEqual(2);
    expect(await read(second.url, 'after')).toBe('the snapshot');
    for (const { id, revision: found } of await store.list()) if (found >= revision) await store.remove(id);
    await agree(first.url);
  });

  test('a node that stood still beyond two trims ends with exit code 75, and then starts from a snapshot', async () => {
    const { child, ended } = running.another(['--node-id', 'node-3', '--port', String(await freePort())]);
    await until('node-3 is a member', async () => (await memberOf(first.url, 'node-3'))?.ready === true);
    child.kill('SIGSTOP');
    await until('node-3 is taken for dead', async () => (await memberOf(first.url, 'node-3'))?.ready === false);
    // More than what may wait in its sockets and in its fetches.
    for (let n = 0; n < 2 * BIG_KEYS; n++) await put(first.url, `big-${n % BIG_KEYS}`, Buffer.alloc(BIG, 255 - n));
    await take(first.url);
    const { offset } = await take(first.url);
    await take(first.url);
    await trimmed(first.url, offset);
    child.kill('SIGCONT');
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([75, expect.stringContaining('Start it again')]);
    const again = running.another(['--node-id', 'node-3', '--port', String(await freePort())]);
    await until('node-3 is back', async () => (await memberOf(first.url, 'node-3'))?.ready === true);
    again.child.kill('SIGTERM');
    expect((await again.ended).code).toBe(0);
  });

  test('a trimmed log whose snapshots are gone is refused, with a sentence that says what to do', async () => {
    await Promise.all([first.server.kill(), second.server.kill()]);
    for (const { id } of await store.list()) await store.remove(id);
    const { ended } = running.another(['--node-id', 'node-1', '--port', String(await freePort())]);
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([
      74,
      expect.stringMatching(/^chorus: The log begins at offset \d+.*Put a snapshot/),
    ]);
  });
}

async function take(url: string): Promise<{ revision: number; offset: number; keys: number; verified: boolean }> {
  const answer = await fetch(`${url}/v1/snapshots?timeout=30s`, { method: 'POST' });
  const body = await answer.text();
  if (answer.status !== 201) throw new Error(`${answer.status} ${body}`);
  return JSON.parse(body) as Awaited<ReturnType<typeof take>>;
}

function trimmed(url: string, offset: number): Promise<void> {
  return until(`the log is trimmed up to ${offset}`, async () => {
    const { snapshots } = await clusterOf(url);
    return snapshots.trimmedBelow >= offset;
  });
}

async function agree(url: string): Promise<void> {
  const answer = await fetch(`${url}/v1/cluster?check=digests&timeout=30s`);
  expect(await answer.json()).toMatchObject({ agreed: true });
}

async function clusterOf(url: string): Promise<ClusterView> {
  return (await (await fetch(`${url}/v1/cluster`)).json()) as ClusterView;
}

async function memberOf(url: string, node: string) {
  return (await clusterOf(url)).members.find((member) => member.node === node);
}

async function put(url: string, key: string, body: string | Buffer): Promise<void> {
  const answer = await fetch(`${url}/v1/keys/${key}`, { method: 'PUT', body });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

async function read(url: string, key: string): Promise<string> {
  return (await fetch(`${url}/v1/keys/${key}?consistency=linearizable`)).text();
}

/** All but the last chunk. */
async function* cutShort(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let before: Uint8Array | undefined;
  for await (const chunk of chunks) {
    if (before !== undefined) yield before;
    before = Uint8Array.from(chunk);
  }
}
