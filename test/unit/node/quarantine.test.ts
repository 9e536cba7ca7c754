// Quarantine: a replica that differs from the majority drops its state by itself, restores it, and comes back; without a majority nobody does.
import { describe, expect, test } from 'vitest';
import { decodeFrame, encodeCommand, encodeFrame } from '../../../src/core/codec.ts';
import type { CommitLog } from '../../../src/log/commit-log.ts';
import { type Actor, type ActorOptions, keyOf, put, Scene, watch } from './scene.ts';

/** A log that gives one node another value of `key` than it holds, as often as it is told to. */
class Falsifier {
  times = 0;
  /** Whoever begins to follow the log waits for this. */
  mayBegin: Promise<void> = Promise.resolve();
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  readonly overrideLog = (log: CommitLog): Partial<CommitLog> => ({
    start: () => this.mayBegin.then(() => log.start()),
    follow: ({ from, signal, onRecords }) =>
      log.follow({
        from,
        signal,
        onRecords: (records) =>
          onRecords(records.map((record) => ({ ...record, payload: this.#falsified(record.payload) }))),
      }),
  });

  #falsified(payload: Uint8Array): Uint8Array {
    const decoded = decodeFrame(payload);
    if (decoded.kind !== 'frame' || this.times === 0) return payload;
    const { commands, ...head } = decoded.frame;
    const isMeant = commands.some(({ command }) => command.type === 'put' && nameOf(command.key) === this.#key);
    if (!isMeant) return payload;
    this.times--;
    return encodeFrame(
      head,
      commands.map(({ command, ...rest }) =>
        encodeCommand(rest, command.type === 'put' ? { ...command, value: keyOf('false') } : command),
      ),
    );
  }
}

const readOf = (key: string) =>
  ({ key: keyOf(key), consistency: 'eventual', minRevision: 0, timeoutMs: 1000 }) as const;
const nameOf = (key: Uint8Array) => Buffer.from(key).toString('latin1');

async function cluster(falsifier: Falsifier, names = ['node-1', 'node-2', 'node-3'], options: ActorOptions = {}) {
  const scene = new Scene();
  const nodes: Actor[] = [];
  for (const name of names) {
    nodes.push(await scene.startReady(name, name === names.at(-1) ? { ...options, ...falsifier } : options));
  }
  await scene.move(3000);
  const [first, last] = [nodes[0], nodes.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a cluster has nodes');
  return { scene, nodes, first, last };
}

async function write(scene: Scene, node: Actor, key: string): Promise<void> {
  node.submit(put(key, 'true'));
  await scene.move(50);
}

describe('a replica that differs from the majority', () => {
  test('is quarantined, replays the log, and is ready again with what the others have', async () => {
    const falsifier = new Falsifier('a');
    const { scene, nodes, first, last } = await cluster(falsifier);
    falsifier.times = 1;
    await write(scene, first, 'a');
    expect([first.get('a'), last.get('a')]).toEqual(['true', 'false']);
    await scene.move(5000);
    expect(nodes.map((node) => [node.get('a'), node.isReady, node.node.metrics().quarantines])).toEqual([
      ['true', true, 0],
      ['true', true, 0],
      ['true', true, 1],
    ]);
    const { disagreements, minority } = first.node.cluster();
    expect(disagreements).toBeGreaterThan(0);
    expect(minority).toEqual([]);
    expect(last.fatal).toBeUndefined();
  });

  test('refuses everything until it is ready again, and ends its watchers and what waits', async () => {
    const falsifier = new Falsifier('a');
    const { scene, first, last } = await cluster(falsifier);
    const ends: string[] = [];
    const sink = { send: () => true, rest: () => true, end: (reason: string) => void ends.push(reason) };
    last.node.watch({ prefix: keyOf(''), since: undefined, sink });
    const { promise, resolve: letBegin } = Promise.withResolvers<void>();
    falsifier.mayBegin = promise;
    falsifier.times = 1;
    await write(scene, first, 'a');
    const waiting = last.read('a', { consistency: 'session', minRevision: 1_000_000, timeoutMs: 60_000 });
    await scene.move(5000);
    expect(waiting.value).toEqual({ kind: 'refused', reason: 'quarantined' });
    expect(last.submit(put('b', 'x')).value ?? (await last.node.read(readOf('a')))).toMatchObject({ kind: 'refused' });
    expect([last.node.status().phase, last.node.refusal('eventual-read'), ends]).toEqual([
      'quarantined',
      'quarantined',
      ['stopping'],
    ]);
    expect(first.node.cluster().members.map(({ ready }) => ready)).toEqual([true, true, false]);
    letBegin();
    await scene.move(3000);
    expect([last.get('a'), last.isReady, ends.length]).toEqual(['true', true, 1]);
  });

  test('begins from the newest snapshot, which the others found right', async () => {
    const falsifier = new Falsifier('a');
    const { scene, first, last } = await cluster(falsifier);
    await write(scene, first, 'before');
    const taken = watch(first.node.snapshots.take(10_000));
    await scene.move(3000);
    expect(taken.value).toMatchObject({ kind: 'saved', isVerified: true });
    falsifier.times = 1;
    await write(scene, first, 'a');
    await scene.move(5000);
    expect([last.get('before'), last.get('a'), last.isReady]).toEqual(['true', 'true', true]);
    expect(last.node.metrics().quarantines).toBe(1);
    // All that it noted since the quarantine is of the tail behind the snapshot.
    expect(last.node.status().progress.records).toBeLessThan(scene.store.history().length / 2);
  });

  test('is quarantined again and again while it differs, and comes back when it does not', async () => {
    const falsifier = new Falsifier('a');
    const { scene, first, last } = await cluster(falsifier);
    falsifier.times = 3;
    await write(scene, first, 'a');
    await scene.move(20_000);
    expect([last.get('a'), last.isReady, last.node.metrics().quarantines]).toEqual(['true', true, 3]);
  });

  test('does not believe a snapshot from which it was restored twice and differed both times', async () => {
    const falsifier = new Falsifier('a');
    const { scene, first, last } = await cluster(falsifier);
    falsifier.times = 1;
    await write(scene, first, 'a');
    // It saves its wrong state before anybody noticed, and alone would verify it.
    const taken = watch(last.node.snapshots.take(10_000));
    await scene.move(30_000);
    expect(taken.value).not.toMatchObject({ isVerified: true });
    expect([last.get('a'), last.isReady]).toEqual(['true', true]);
  });
});

describe('without a majority', () => {
  test('nobody is quarantined, and the view of the cluster says so', async () => {
    const falsifier = new Falsifier('a');
    const { scene, nodes, first } = await cluster(falsifier, ['node-1', 'node-2']);
    falsifier.times = 1;
    await write(scene, first, 'a');
    await scene.move(10_000);
    expect(nodes.map((node) => [node.isReady, node.node.metrics().quarantines])).toEqual([
      [true, 0],
      [true, 0],
    ]);
    const { disagreements, minority } = first.node.cluster();
    expect(disagreements).toBeGreaterThan(0);
    // The latest offset with a majority is one from before; or there is none any more.
    expect(minority ?? []).toEqual([]);
  });
});
