// Snapshots in a node: when one is cut, that another node verifies it, what is kept and trimmed, and what a restart begins from.
import { describe, expect, test } from 'vitest';
import { type Actor, type ActorOptions, Gate, HANGS, increment, put, Scene, watch } from './scene.ts';

/** Ready, and at the feature level that snapshots need. */
async function cluster(names: readonly string[], options: ActorOptions = {}) {
  const scene = new Scene();
  const nodes: Actor[] = [];
  for (const name of names) nodes.push(await scene.startReady(name, options));
  await scene.move(2000);
  const [first] = nodes;
  if (first === undefined) throw new Error('a cluster has nodes');
  return { scene, nodes, first };
}

/** Asks the node for a snapshot, and gives it the time. */
async function take(scene: Scene, node: Actor, ms = 3000) {
  const taken = watch(node.node.snapshots.take(10_000));
  await scene.move(ms);
  return taken;
}

async function takeGood(scene: Scene, node: Actor): Promise<number> {
  const { value } = await take(scene, node);
  if (value?.kind !== 'saved' || !value.isVerified) throw new Error(`the snapshot is ${JSON.stringify(value)}`);
  return value.snapshot.revision;
}

async function write(scene: Scene, node: Actor, count: number): Promise<void> {
  for (let n = 0; n < count; n++) node.submit(increment('n'));
  await scene.move(100);
}

const stored = async (scene: Scene) => (await scene.snapshots.open().list()).map(({ revision }) => revision);

describe('a snapshot that is asked for', () => {
  test('is saved by the node that was asked, and verified by another', async () => {
    const { scene, nodes, first } = await cluster(['node-1', 'node-2']);
    await write(scene, first, 3);
    const { value } = await take(scene, nodes[1] ?? first);
    expect(value).toMatchObject({ kind: 'saved', isVerified: true, snapshot: { keys: 1 } });
    const { snapshots } = first.node.cluster();
    expect(snapshots).toMatchObject({ candidate: null, verified: [{ by: 'node-1' }] });
    expect(nodes[1]?.node.metrics()).toMatchObject({ snapshotsSaved: 1, snapshotsVerified: 0 });
    expect(first.node.metrics()).toMatchObject({ snapshotsSaved: 0, snapshotsVerified: 1 });
  });

  test('is verified by a sole node itself', async () => {
    const { scene, first } = await cluster(['node-1']);
    expect((await take(scene, first)).value).toMatchObject({ kind: 'saved', isVerified: true });
  });

  test('is one for all who ask before it is cut', async () => {
    const { scene, first } = await cluster(['node-1']);
    const asked = [1, 2, 3].map(() => watch(first.node.snapshots.take(10_000)));
    await scene.move(3000);
    expect(asked.map(({ value }) => value?.kind)).toEqual(['saved', 'saved', 'saved']);
    expect(first.node.metrics().snapshotsSaved).toBe(1);
  });

  test('is said to have failed when the store fails, and not to be there yet when its time is up', async () => {
    const { scene, first } = await cluster(['node-1']);
    scene.fateOfSave = () => ({ kind: 'refused', afterChunks: 1 });
    expect((await take(scene, first)).value).toEqual({ kind: 'failed' });
    expect(first.node.metrics().snapshotFailures).toBe(1);
    scene.fateOfSave = () => ({ kind: 'crash', afterChunks: 1 });
    expect((await take(scene, first, 11_000)).value).toEqual({ kind: 'timed-out' });
  });

  test('is refused while the node is not ready, and when it stops', async () => {
    const { scene, first } = await cluster(['node-1']);
    scene.fateOf = () => HANGS;
    const asked = watch(first.node.snapshots.take(60_000));
    void first.node.stop(0);
    await scene.move(100);
    expect(asked.value).toEqual({ kind: 'refused', reason: 'stopping' });
    expect(await first.node.snapshots.take(1)).toEqual({ kind: 'refused', reason: 'stopping' });
  });

  test('that is not what the others had there is not verified, and nothing is trimmed for it', async () => {
    const { scene, first } = await cluster(['node-1', 'node-2']);
    scene.fateOfSave = () => ({ kind: 'bit-flipped', bit: 4000 });
    const { value } = await take(scene, first, 11_000);
    expect(value).toMatchObject({ kind: 'saved', isVerified: false });
    expect(first.node.cluster().snapshots).toMatchObject({ verified: [], candidate: { by: 'node-1' } });
  });
});

describe('a backup', () => {
  test('is said to have failed when its snapshot was found wrong and removed before it could be read back', async () => {
    const { scene, first } = await cluster(['node-1', 'node-2']);
    await takeGood(scene, first);
    scene.fateOfSave = () => ({ kind: 'misdirected' });
    const made = watch(first.node.backups.make(10_000));
    await scene.move(11_000);
    expect(made.value).toEqual({ kind: 'failed' });
    scene.fateOfSave = () => ({ kind: 'saved' });
    const again = watch(first.node.backups.make(10_000));
    await scene.move(3000);
    expect(again.value).toMatchObject({ kind: 'made' });
  });
});

describe('by its policy', () => {
  test('the duty node saves one when the log has grown by so many records', async () => {
    const { scene, nodes, first } = await cluster(['node-1', 'node-2'], { policy: { everyRecords: 30 } });
    await scene.move(40_000);
    expect(first.node.metrics().snapshotsSaved).toBeGreaterThanOrEqual(2);
    expect(nodes[1]?.node.metrics().snapshotsSaved).toBe(0);
    const [older, newer] = first.node.cluster().snapshots.verified;
    expect((newer?.offset ?? 0) - (older?.offset ?? 0)).toBeGreaterThanOrEqual(30);
  });

  test('the duty node saves one when the log has grown by so many bytes, and by as many as keys and values take', async () => {
    const { scene, first } = await cluster(['node-1'], { policy: { everyBytes: 20_000 } });
    first.submit(put('big', new Uint8Array(50_000)));
    await scene.move(3000);
    expect(first.node.metrics().snapshotsSaved).toBe(1);
    first.submit(put('small', new Uint8Array(30_000)));
    await scene.move(10_000);
    expect(first.node.metrics().snapshotsSaved).toBe(1);
    first.submit(put('small', new Uint8Array(30_000)));
    first.submit(put('small', new Uint8Array(30_000)));
    await scene.move(10_000);
    expect(first.node.metrics().snapshotsSaved).toBe(2);
  });

  test('one that failed is tried again later', async () => {
    const { scene, first } = await cluster(['node-1'], { policy: { everyRecords: 10 } });
    scene.fateOfSave = () => ({ kind: 'refused', afterChunks: 0 });
    await scene.move(12_000);
    const { snapshotFailures } = first.node.metrics();
    expect(snapshotFailures).toBeGreaterThan(0);
    expect(snapshotFailures).toBeLessThan(4);
    scene.fateOfSave = () => ({ kind: 'saved' });
    await scene.move(12_000);
    expect(first.node.cluster().snapshots.verified.length).toBeGreaterThan(0);
  });
});

describe('the log', () => {
  test('is trimmed below the older of two verified snapshots, and older snapshots are removed', async () => {
    const { scene, first } = await cluster(['node-1', 'node-2']);
    const one = await takeGood(scene, first);
    expect(await first.log.start()).toBe(0);
    const two = await takeGood(scene, first);
    const { verified } = first.node.cluster().snapshots;
    expect(verified.map(({ revision }) => revision)).toEqual([one, two]);
    expect(await first.log.start()).toBe(verified[0]?.offset);
    const three = await takeGood(scene, first);
    expect(await stored(scene)).toEqual([three, two]);
    expect(first.node.metrics().logTrims).toBe(2);
  });

  test('is not trimmed under a live node that is behind', async () => {
    const { scene, first } = await cluster(['node-1']);
    const gate = new Gate();
    await scene.start('node-2', { overrideLog: gate.overrideLog });
    gate.letOne(); // It knows the cluster now, and sends heartbeats.
    await scene.move(1000);
    for (let n = 0; n < 2; n++) await takeGood(scene, first);
    expect(first.node.cluster().snapshots.verified.length).toBe(2);
    expect(await first.log.start()).toBe(0);
    gate.open();
    await scene.move(3000);
    expect(await first.log.start()).toBe(first.node.cluster().snapshots.verified[0]?.offset);
  });

  test('is left as it is when a verified snapshot is gone from the store', async () => {
    const { scene, first } = await cluster(['node-1']);
    await takeGood(scene, first);
    const store = scene.snapshots.open();
    for (const { id } of await store.list()) await store.remove(id);
    await takeGood(scene, first);
    expect(await first.log.start()).toBe(0);
    expect(first.node.metrics()).toMatchObject({ logTrims: 0, snapshotFailures: 1 });
  });
});

describe('a restart', () => {
  test('begins from the newest snapshot, applies the rest of the log, and agrees with the others', async () => {
    const { scene, nodes, first } = await cluster(['node-1', 'node-2', 'node-3']);
    await write(scene, first, 5);
    await takeGood(scene, first);
    await takeGood(scene, first);
    await write(scene, first, 5);
    nodes[2]?.kill();
    const again = await scene.startReady('node-3');
    await scene.move(3000);
    expect(again.get('n')).toBe('10');
    const check = watch(first.node.checkDigests(10_000));
    await scene.move(3000);
    expect(check.value).toMatchObject({ kind: 'checked', agreed: true });
  });

  test('passes over a damaged snapshot for an older one', async () => {
    const { scene, first } = await cluster(['node-1']);
    await write(scene, first, 5);
    await takeGood(scene, first);
    await takeGood(scene, first);
    scene.fateOfSave = () => ({ kind: 'torn' });
    await take(scene, first);
    expect((await stored(scene)).length).toBe(3);
    first.kill();
    const again = await scene.startReady('node-1');
    expect(again.get('n')).toBe('5');
  });

  test('is refused on a trimmed log when no good snapshot is left', async () => {
    const { scene, first } = await cluster(['node-1']);
    await takeGood(scene, first);
    await takeGood(scene, first);
    const store = scene.snapshots.open();
    for (const { id } of await store.list()) await store.remove(id);
    first.kill();
    await expect(scene.create('node-1').node.start()).rejects.toMatchObject({ exitCode: 74 });
  });

  test('of an older program is refused where the snapshot is of a cluster that knows more', async () => {
    const { scene, first } = await cluster(['node-1']);
    await takeGood(scene, first);
    first.kill();
    const older = scene.create('node-1', { featureLevel: 5 });
    const refused = expect(older.node.start()).rejects.toThrow('later version');
    await scene.settle();
    await refused;
    expect(scene.heartbeats('node-1').map(({ featureLevel }) => featureLevel)).not.toContain(5);
  });

  test('looks again where all that it knew of was replaced, and the log trimmed, while it read', async () => {
    const { scene, first } = await cluster(['node-1']);
    await takeGood(scene, first);
    await takeGood(scene, first);
    const inner = scene.snapshots.open();
    const { promise: isReplaced, resolve: replaced } = Promise.withResolvers<void>();
    const store = { ...inner, open: (id: string) => isReplaced.then(() => inner.open(id)) };
    const late = scene.create('node-2', { policy: { store } });
    const started = watch(late.node.start());
    await scene.settle();
    await write(scene, first, 5);
    await takeGood(scene, first);
    await takeGood(scene, first);
    replaced();
    await scene.move(3000);
    expect(started.isSettled).toBe(true);
    expect(late.get('n')).toBe('5');
  });

  test("passes over another cluster's snapshot, and one that goes on where this log does not reach", async () => {
    const other = await cluster(['node-9']);
    await takeGood(other.scene, other.first);
    const scene = new Scene();
    const node = await scene.startReady('node-1');
    const cluster1 = node.cluster ?? '';
    expect(cluster1).not.toBe(other.first.cluster);
    node.kill();
    await copySnapshots(other.scene, scene);
    const again = await scene.startReady('node-1', { cluster: cluster1 });
    expect(again.node.cluster().cluster).toBe(cluster1);
    // A new data directory knows no cluster: the log's own word counts, however long the log is by now.
    await scene.move(20_000);
    const stranger = await scene.startReady('node-2');
    expect(stranger.node.cluster().cluster).toBe(cluster1);
    expect(stranger.node.cluster().revision).toBe(again.node.revision());
    again.kill();
  });

  test('lets watchers go on only from what it has seen itself', async () => {
    const { scene, first } = await cluster(['node-1']);
    await write(scene, first, 5);
    const before = first.node.revision();
    await takeGood(scene, first);
    first.kill();
    const again = await scene.startReady('node-1');
    const sink = { send: () => true, rest: () => true, end: () => {} };
    const opened = again.node.watch({ prefix: new Uint8Array(), since: { revision: before - 1, place: 0 }, sink });
    expect(opened.kind).toBe('gone');
  });
});

async function copySnapshots(from: Scene, to: Scene): Promise<void> {
  const [source, target] = [from.snapshots.open(), to.snapshots.open()];
  for (const { id } of await source.list()) {
    const { chunks, ...snapshot } = await source.open(id);
    await target.save(snapshot, chunks);
  }
}
