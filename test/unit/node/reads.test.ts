// Reads with a promise: session by revision, linearizable by a barrier of the log, both by log time itself; eventual by the estimate.
import { describe, expect, test } from 'vitest';
import { ACKNOWLEDGED, type Actor, increment, put, REFUSED, Scene } from './scene.ts';

describe('a session read', () => {
  test('waits until its revision is applied here, and for nothing else', async () => {
    const { scene, node } = await ready();
    const revision = node.node.revision();
    const { timers } = scene.clock;
    const reached = node.read('k', { consistency: 'session', minRevision: revision });
    const waiting = node.read('k', { consistency: 'session', minRevision: revision + 2 });
    await scene.settle();
    expect(reached.isSettled).toBe(true);
    node.submit(put('k', 'one'));
    await scene.settle();
    expect(waiting.isSettled).toBe(false);
    node.submit(put('k', 'two'));
    await scene.settle();
    expect(waiting.value).toBe('two');
    expect(scene.clock.timers).toBe(timers);
  });

  test('times out where its revision does not come, and leaves nothing behind', async () => {
    const { scene, node } = await ready();
    const read = node.read('k', { consistency: 'session', minRevision: 1_000_000, timeoutMs: 700 });
    await scene.move(699);
    expect(read.isSettled).toBe(false);
    await scene.move(1);
    expect(read.value).toEqual({ kind: 'timed-out' });
    expect(node.node.metrics().waitingReads).toBe(0);
  });
});

describe('a linearizable read', () => {
  test('waits for what the log held when it arrived, though this node lags behind', async () => {
    const { scene, node } = await ready();
    const other = await scene.startReady('node-2');
    node.submit(put('k', 'old'));
    await scene.settle();
    scene.deliveryDelayMs = 400;
    const write = other.submit(put('k', 'new'));
    await scene.settle();
    const read = node.read('k');
    await scene.move(300);
    expect(read.isSettled).toBe(false);
    expect(node.get('k')).toBe('old');
    await scene.move(500);
    expect(write.value?.kind).toBe('applied');
    expect(read.value).toBe('new');
  });

  test('with a token keeps its promise too', async () => {
    const { scene, node } = await ready();
    const read = node.read('k', { minRevision: node.node.revision() + 1 });
    await scene.settle();
    expect(read.isSettled).toBe(false);
    node.submit(put('k', 'v'));
    await scene.settle();
    expect(read.value).toBe('v');
  });

  test('shares the question to the log with those that arrived before it was asked; later ones ask anew', async () => {
    const { scene, node, questions } = await withQuestions();
    const early = [node.read('k')];
    await scene.settle();
    expect(questions.length).toBe(1);
    // These arrived after the question was asked: what it answers may be older than they are.
    const late = [node.read('k'), node.read('k'), node.read('k')];
    await scene.settle();
    expect(questions.length).toBe(1);
    questions[0]?.resolve(0);
    await scene.settle();
    expect(early[0]?.isSettled).toBe(true);
    expect(late.some((read) => read.isSettled)).toBe(false);
    expect(questions.length).toBe(2);
    questions[1]?.resolve(0);
    await scene.settle();
    expect(late.every((read) => read.isSettled)).toBe(true);
  });

  test('times out where the log does not answer or cannot, and the next one asks again', async () => {
    const { scene, node, questions } = await withQuestions();
    const unanswered = node.read('k', { timeoutMs: 300 });
    await scene.move(300);
    expect(unanswered.value).toEqual({ kind: 'timed-out' });
    questions[0]?.reject(new Error('the log is away'));
    const failed = node.read('k');
    await scene.settle();
    questions[1]?.reject(new Error('the log is away'));
    await scene.settle();
    expect(failed.value).toEqual({ kind: 'timed-out' });
    const next = node.read('k');
    await scene.settle();
    questions[2]?.resolve(0);
    await scene.settle();
    expect(next.isSettled).toBe(true);
    expect(node.node.metrics().waitingReads).toBe(0);
  });
});

describe('a linearizable read where only an append can tell', () => {
  test('costs one barrier for all that wait, and waits until it is applied', async () => {
    const { scene, node } = await ready({ overrideLog: () => ({ barrier: async () => 'append' as const }) });
    const before = scene.store.history().length;
    scene.deliveryDelayMs = 200;
    const reads = Array.from({ length: 20 }, () => node.read('k'));
    await scene.move(199);
    expect(reads.some((read) => read.isSettled)).toBe(false);
    await scene.move(200);
    expect(reads.every((read) => read.isSettled)).toBe(true);
    expect(scene.store.history().length).toBe(before + 1);
  });

  test('is served by a frame of writes that is sent after it arrived, and not by one already under way', async () => {
    const { scene, node } = await ready({ overrideLog: () => ({ barrier: async () => 'append' as const }) });
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 100, answersAfterMs: 100 });
    const before = scene.store.history().length;
    node.submit(increment('n'));
    await scene.settle();
    const read = node.read('n');
    await scene.settle();
    node.submit(increment('n'));
    await scene.move(100);
    expect(node.get('n')).toBe('1');
    expect(read.isSettled).toBe(false);
    await scene.move(100);
    expect(read.value).toBe('2');
    const written = scene.frames().flatMap(({ offset, commands }) => (offset < before ? [] : commands));
    expect(written.map(({ command }) => command.type)).toEqual(['increment', 'increment']);
  });

  test('is not given up because another that shares its barrier has less time', async () => {
    const { scene, node } = await ready({ overrideLog: () => ({ barrier: async () => 'append' as const }) });
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 100, answersAfterMs: 100 });
    node.submit(increment('n'));
    await scene.settle();
    const long = node.read('n', { timeoutMs: 5000 });
    const short = node.read('n', { timeoutMs: 200 });
    await scene.settle();
    scene.fateOf = () => REFUSED;
    await scene.move(600);
    expect([short.value, long.isSettled]).toEqual([{ kind: 'timed-out' }, false]);
    scene.fateOf = () => ACKNOWLEDGED;
    await scene.move(500);
    expect(long.value).toBe('1');
  });

  test('times out with its own time, though others that share its barrier have more', async () => {
    const { scene, node } = await ready({ overrideLog: () => ({ barrier: async () => 'append' as const }) });
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 900, answersAfterMs: 900 });
    const short = node.read('k', { timeoutMs: 200 });
    const long = node.read('k', { timeoutMs: 2000 });
    await scene.move(200);
    expect([short.value, long.isSettled]).toEqual([{ kind: 'timed-out' }, false]);
    await scene.move(700);
    expect(long.isSettled).toBe(true);
  });
});

describe('an entry whose time has passed', () => {
  test('by log time is hidden from all, though nobody has removed it', async () => {
    const { scene, node } = await ready();
    node.submit(put('k', 'v', 300));
    await scene.settle();
    await scene.move(299);
    node.submit(increment('n'));
    await scene.settle();
    expect(await valuesOf(scene, node)).toEqual({ eventual: 'v', session: 'v', linearizable: 'v' });
    await scene.move(1);
    node.submit(increment('n'));
    await scene.settle();
    expect(node.node.metrics().keys).toBe(2);
    expect(await valuesOf(scene, node)).toEqual({ eventual: undefined, session: undefined, linearizable: undefined });
  });

  test('by the estimate alone is hidden from eventual reads; the others wait for the next record to tell', async () => {
    const { scene, node } = await ready();
    node.submit(put('k', 'v', 300));
    await scene.settle();
    await scene.move(300);
    expect(node.get('k')).toBeUndefined();
    const reads = [node.read('k', { consistency: 'session' }), node.read('k'), node.read('k', { timeoutMs: 100 })];
    await scene.move(100);
    expect(reads.map((read) => read.isSettled)).toEqual([false, false, true]);
    expect(reads[2]?.value).toEqual({ kind: 'timed-out' });
    await scene.move(600); // The next heartbeat.
    expect(reads.map((read) => read.isSettled)).toEqual([true, true, true]);
    expect(reads[0]?.value).toBeUndefined();
  });

  test('by the estimate only is found by those reads, when the next record says that its time has not come', async () => {
    const { scene, node } = await ready();
    node.submit(put('k', 'v', 300));
    await scene.settle();
    scene.logClockOffsetMs = -600;
    await scene.move(300);
    const read = node.read('k');
    node.submit({ ...put('k', 'w', 300), type: 'append' });
    await scene.settle();
    // Log time stood still, and the estimate goes on: a further record could tell no more.
    expect(read.isSettled).toBe(false);
    node.submit(put('k', 'x'));
    await scene.settle();
    expect(read.value).toBe('x');
  });

  test('never comes back on a node, though a record is delivered late', async () => {
    const { scene, node } = await ready();
    node.submit(put('k', 'v', 300));
    await scene.settle();
    scene.deliveryDelayMs = 400;
    node.submit(increment('n'), { timeoutMs: 60_000 });
    await scene.move(350);
    expect(node.get('k')).toBeUndefined();
    for (let n = 0; n < 10; n++) {
      await scene.move(10);
      expect(node.get('k')).toBeUndefined();
    }
    expect(node.get('n')).toBe('1');
  });
});

async function ready(options: Parameters<Scene['startReady']>[1] = {}) {
  const scene = new Scene();
  const node = await scene.startReady('node-1', options);
  return { scene, node };
}

/** A ready node whose log answers the question for a barrier when the test does. */
async function withQuestions() {
  const questions: PromiseWithResolvers<number>[] = [];
  const barrier = () => {
    const question = Promise.withResolvers<number>();
    questions.push(question);
    return question.promise;
  };
  return { ...(await ready({ overrideLog: () => ({ barrier }) })), questions };
}

async function valuesOf(scene: Scene, node: Actor) {
  const session = node.read('k', { consistency: 'session' });
  const linearizable = node.read('k');
  await scene.settle();
  expect([session.isSettled, linearizable.isSettled]).toEqual([true, true]);
  return { eventual: node.get('k'), session: session.value, linearizable: linearizable.value };
}
