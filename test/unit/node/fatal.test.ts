// What ends a node: each with its exit code and a sentence that says what to do next. And damage that does not.
import { describe, expect, test } from 'vitest';
import { FatalError } from '../../../src/base/errors.ts';
import type { CommitLog, LogRecord } from '../../../src/log/commit-log.ts';
import { frameOf, heartbeat } from '../core/feeder.ts';
import { rawCommand, sealed } from '../core/raw-frames.ts';
import { type Actor, increment, put, Scene } from './scene.ts';

describe('a node does not start', () => {
  test('on a log that was trimmed when there is no snapshot to start from: never empty', async () => {
    const { scene, node } = await ready();
    await node.log.trim(2);
    const error = await startError(scene.create('node-2'));
    expect(error).toMatchObject({ exitCode: 74 });
    expect(error.message).toMatch(/offset 2.*no good snapshot.*Put a snapshot/);
  });

  test('on an empty log, when its data directory belongs to a cluster', async () => {
    const error = await startError(new Scene().create('node-1', { cluster: 'mine' }));
    expect(error).toMatchObject({ exitCode: 74 });
    expect(error.message).toMatch(/cluster mine.*empty.*right log/);
  });

  test('on a log that cannot be asked where it begins', async () => {
    const overrideLog = () => ({ end: () => Promise.reject(new Error('connection refused')) });
    const error = await startError(new Scene().create('node-1', { overrideLog }));
    expect(error).toMatchObject({ exitCode: 69 });
    expect(error.message).toContain('connection refused');
  });
});

describe('a node ends', () => {
  test("on another cluster's log", async () => {
    const { scene } = await ready();
    const stray = await scene.start('node-2', { cluster: 'mine' });
    await scene.settle();
    expect(stray.fatal).toMatchObject({ exitCode: 74 });
    expect(stray.fatal?.message).toMatch(/cluster mine.*own log/);
    expect(stray.isReady).toBe(false);
    expect(stray.cluster).toBe('mine');
  });

  test('on a log that names no cluster, when its data directory belongs to one', async () => {
    const scene = new Scene();
    await scene.write(Uint8Array.of(1, 2, 3));
    const node = await scene.start('node-1', { cluster: 'mine' });
    await scene.settle();
    expect(node.fatal).toMatchObject({ exitCode: 74 });
    expect(node.fatal?.message).toMatch(/cluster mine.*names no cluster/);
  });

  test.each([
    { what: 'an unknown command', payload: sealed(Uint8Array.of(1, 65, 1, 66, 1, 0, 1, ...rawCommand(99, 1, []))) },
    { what: 'a later frame version', payload: sealed(Uint8Array.of(1, 2, 3), 2) },
  ])('at $what, rather than diverge', async ({ payload }) => {
    const { scene, node } = await ready();
    const offset = scene.store.history().length;
    await scene.write(payload);
    expect(node.fatal).toMatchObject({ exitCode: 74 });
    expect(node.fatal?.message).toMatch(new RegExp(`offset ${offset}.*later version`));
    expect(node.node.refusal('write')).toBe('stopping');
    expect(node.node.refusal('eventual-read')).toBe('stopping');
  });

  test('when the log was trimmed below its place, to be started again from a snapshot', async () => {
    const { scene, node } = await ready();
    const lagging = scene.create('node-2', {
      overrideLog: (log) => ({ follow: (options) => scene.clock.nextTurn().then(() => log.follow(options)) }),
    });
    await lagging.node.start();
    await node.log.trim(2);
    await scene.settle();
    expect(lagging.fatal).toMatchObject({ exitCode: 75 });
    expect(lagging.fatal?.message).toMatch(/offset 0.*trimmed up to 2.*Start it again/);
    expect(lagging.node.revision()).toBe(0);
  });

  test('when its cluster cannot be written down', async () => {
    const scene = new Scene();
    const node = scene.create('node-1');
    node.save = () => Promise.reject(new Error('read-only'));
    await node.node.start();
    await scene.settle();
    expect(node.fatal).toMatchObject({ exitCode: 74 });
    expect(node.fatal?.message).toMatch(/read-only.*writable/);
  });

  test('when the log breaks its promises: offsets with a gap, or an append that fails in no known way', async () => {
    const gap = await broken((log) => ({
      follow: (options) => follow(log, options, (record) => ({ ...record, offset: record.offset + 1 })),
    }));
    expect(gap.fatal).toMatchObject({ exitCode: 70 });
    expect(gap.fatal?.message).toMatch(/L1.*bug/);
    const append = await broken(() => ({ append: () => Promise.reject(new TypeError('no such function')) }));
    expect(append.fatal).toMatchObject({ exitCode: 70 });
    expect(append.fatal?.message).toMatch(/no such function.*bug/);
  });

  test('once: what fails afterwards is not reported again', async () => {
    const node = await broken(() => ({
      follow: () => Promise.reject(new Error('first')),
      append: () => Promise.reject(new Error('second')),
    }));
    expect(node.fatals.length).toBe(1);
    expect(node.fatal?.message).toContain('first');
  });
});

describe('a damaged record', () => {
  test('is fetched once more: it may have been damaged on the way', async () => {
    const { scene, node, reads } = await withDamage(1);
    await scene.write(frameOf('outside/1', 1, [{ command: heartbeat({ cluster: node.node.cluster().cluster }) }]));
    expect(reads).toEqual(['damaged', 'whole']);
    expect(node.node.metrics().garbageFrames).toBe(0);
    expect(node.node.cluster().members.map((member) => member.node)).toEqual(['node-1', 'outside']);
    expect(node.isReady).toBe(true);
  });

  test('that is damaged again is garbage: counted, a no-op, and the node goes on', async () => {
    const { scene, node, reads } = await withDamage(Number.POSITIVE_INFINITY);
    await scene.write(frameOf('outside/1', 1, [{ command: heartbeat({ cluster: node.node.cluster().cluster }) }]));
    expect(reads).toEqual(['damaged', 'damaged']);
    expect(node.node.metrics().garbageFrames).toBe(1);
    const write = node.submit(increment('n'));
    await scene.settle();
    expect(write.value?.kind).toBe('applied');
    expect(node.fatal).toBeUndefined();
  });

  test('in the middle of others loses and doubles none of them', async () => {
    const { scene, node } = await ready();
    const record = (n: number) => frameOf('outside/1', n, [{ command: { ...put(`k${n}`, 'v') } }]);
    await scene.write(frameOf('outside/1', 1, [{ command: heartbeat({ cluster: node.node.cluster().cluster }) }]));
    scene.deliveryDelayMs = 100; // So that all of them are one batch.
    for (const payload of [record(2), Uint8Array.of(1, 2, 3), record(3), new Uint8Array(), record(4)]) {
      await scene.write(payload);
    }
    await scene.move(1000);
    expect(node.node.metrics()).toMatchObject({ garbageFrames: 2, keys: 3, copiesIgnored: 0 });
    expect(node.fatal).toBeUndefined();
  });
});

test('many damaged records of one batch are fetched once more together: whoever fills the log with them stops no node', async () => {
  const scene = new Scene();
  let follows = 0;
  const node = await scene.startReady('node-1', {
    overrideLog: (log) => ({
      follow: (options) => {
        follows++;
        return log.follow(options);
      },
    }),
  });
  const before = follows;
  scene.deliveryDelayMs = 100; // So that all of them are one batch.
  for (let n = 0; n < 50; n++) await scene.write(Uint8Array.of(n));
  await scene.move(1000);
  expect(node.node.metrics().garbageFrames).toBe(50);
  expect(follows - before).toBeLessThanOrEqual(3);
});

async function ready() {
  const scene = new Scene();
  const node = await scene.startReady('node-1');
  return { scene, node };
}

/** A node on a log of its own with these functions, after its start. */
async function broken(overrideLog: (log: CommitLog) => Partial<CommitLog>): Promise<Actor> {
  const scene = new Scene();
  const node = await scene.start('node-1', { overrideLog });
  await scene.settle();
  return node;
}

/** A ready node that gets the records of `outside` damaged so many times. */
async function withDamage(times: number) {
  const scene = new Scene();
  const reads: string[] = [];
  const damage = (record: LogRecord): LogRecord => {
    if (!Buffer.from(record.payload).includes('outside')) return record;
    reads.push(reads.length < times ? 'damaged' : 'whole');
    return reads.length <= times ? { ...record, payload: record.payload.with(-1, 0xff) } : record;
  };
  const node = await scene.startReady('node-1', {
    overrideLog: (log) => ({ follow: (options) => follow(log, options, damage) }),
  });
  return { scene, node, reads };
}

function follow(log: CommitLog, options: Parameters<CommitLog['follow']>[0], change: (record: LogRecord) => LogRecord) {
  return log.follow({ ...options, onRecords: (records) => options.onRecords(records.map(change)) });
}

async function startError(node: Actor): Promise<FatalError> {
  const error: unknown = await node.node.start().catch((thrown: unknown) => thrown);
  if (!(error instanceof FatalError)) throw new Error(`not a FatalError: ${error}`);
  return error;
}
