// A write's endings: applied, certainly not applied, unknown. Never a fourth, and none of them said of the wrong one.
import { describe, expect, test } from 'vitest';
import { FRAME_LIMITS } from '../../../src/base/limits.ts';
import { decodeFrame } from '../../../src/core/codec.ts';
import type { AppendFate } from '../../../src/log/memory-log.ts';
import { ACKNOWLEDGED, HANGS, increment, put, REFUSED, Scene } from './scene.ts';

describe('applied', () => {
  test('is said when the record was applied here and acknowledged: the record first', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 10, answersAfterMs: 500 });
    const write = node.submit(put('k', 'v'));
    await scene.move(499);
    expect(node.get('k')).toBe('v');
    expect(write.isSettled).toBe(false);
    await scene.move(1);
    expect(write.value).toMatchObject({ kind: 'applied', outcome: { code: 'created', isRepeat: false } });
  });

  test('is said when the record was applied here and acknowledged: the acknowledgement first', async () => {
    const { scene, node } = await ready();
    scene.deliveryDelayMs = 400;
    const write = node.submit(put('k', 'v'));
    await scene.move(399);
    expect(write.isSettled).toBe(false);
    await scene.move(400); // Another batch was under way before.
    expect(write.value).toMatchObject({ kind: 'applied', outcome: { code: 'created' } });
  });

  test('a rejection is an outcome like any other', async () => {
    const { scene, node } = await ready();
    const write = node.submit({ ...put('k', 'v'), condition: { match: 'any', noneMatch: 'none' } });
    await scene.settle();
    expect(write.value).toMatchObject({ kind: 'applied', outcome: { code: 'condition-failed', detail: 0n } });
  });

  test('two requests at once with one id are each answered, and the command is applied once', async () => {
    const { scene, node } = await ready();
    const writes = [node.submit(increment('n'), { id: 'same' }), node.submit(increment('n'), { id: 'same' })];
    await scene.settle();
    const outcome = { code: 'done', detail: 1n };
    expect(writes[0]?.value).toMatchObject({ kind: 'applied', id: 'same', outcome: { ...outcome, isRepeat: false } });
    expect(writes[1]?.value).toMatchObject({ kind: 'applied', id: 'same', outcome: { ...outcome, isRepeat: true } });
    expect(node.get('n')).toBe('1');
  });

  test('the id that the node made is said, and another one is made for each request', async () => {
    const { scene, node } = await ready();
    const writes = [node.submit(increment('n')), node.submit(increment('n'))];
    await scene.settle();
    expect(writes[0]?.value?.id).not.toBe(writes[1]?.value?.id);
    expect(node.get('n')).toBe('2');
  });
});

describe('a command whose time is up while it still waits', () => {
  test.each([
    { id: undefined, isUnknown: false },
    { id: 'came-in', isUnknown: true },
  ])('with the id $id is never appended, and unknown is $isUnknown', async ({ id, isUnknown }) => {
    const { scene, node } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 300, answersAfterMs: 300 });
    const before = node.submit(put('a', 'v'));
    await scene.settle();
    const late = node.submit(put('b', 'v'), { id, timeoutMs: 200 });
    await scene.move(200);
    expect(late.value).toMatchObject({ kind: 'timed-out', isUnknown });
    await scene.move(5000);
    expect(before.value?.kind).toBe('applied');
    expect(keysWritten(scene)).toEqual(['a']);
    expect(node.node.metrics()).toMatchObject({ waitingCommands: 0, waitingBytes: 0 });
  });
});

describe('a command in flight when its time is up', () => {
  test('is unknown, whoever made its id, and may still be applied', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 300, answersAfterMs: 300 });
    const write = node.submit(put('k', 'v'), { timeoutMs: 299 });
    await scene.move(298);
    expect(write.isSettled).toBe(false);
    await scene.move(1);
    expect(write.value).toMatchObject({ kind: 'timed-out', isUnknown: true });
  });

  test.each([
    { how: 'before anything else', landsAfterMs: 4000, answersAfterMs: 4000 },
    { how: 'behind a later frame', landsAfterMs: 4000, answersAfterMs: 950 },
  ])('is not executed when it lands long after that, $how', async ({ landsAfterMs, answersAfterMs }) => {
    const { scene, node } = await ready();
    scene.fateOf = fates([{ kind: 'unknown', landsAfterMs, answersAfterMs }]);
    const write = node.submit(put('k', 'v'), { timeoutMs: 900, id: 'i' });
    await scene.move(5000);
    expect(write.value).toMatchObject({ kind: 'timed-out', isUnknown: true });
    expect(keysWritten(scene)).toEqual(['k']);
    expect(node.get('k')).toBeUndefined();
    // That says nothing of the command: a retry under its id succeeds.
    const retry = node.submit(put('k', 'v'), { id: 'i' });
    await scene.settle();
    expect(retry.value).toMatchObject({ kind: 'applied', outcome: { code: 'created', isRepeat: false } });
  });
});

describe('an append that fails', () => {
  test('is tried again, bytes identical, until it is acknowledged; the copies are no-ops', async () => {
    const { scene, node } = await ready();
    const first = lost(0);
    scene.fateOf = fates([REFUSED, first, REFUSED, first, ACKNOWLEDGED]);
    const write = node.submit(increment('n'));
    await scene.move(2000);
    expect(write.value).toMatchObject({ kind: 'applied', outcome: { code: 'done', detail: 1n, isRepeat: false } });
    const copies = scene.store.history().filter(({ payload }) => keysIn(payload).length > 0);
    expect(copies.length).toBe(3);
    for (const { payload } of copies) expect(payload).toEqual(copies[0]?.payload);
    expect(node.node.metrics()).toMatchObject({ copiesIgnored: 2, appendsRefused: 2, appendsUnknown: 2 });
  });

  test('is not tried again once nobody waits for any of its commands; the next command goes its own way', async () => {
    const { scene, node } = await ready();
    let appends = 0;
    scene.fateOf = (_handle, payload) => {
      if (keysIn(payload).includes('k')) appends++;
      return keysIn(payload).length > 0 ? REFUSED : ACKNOWLEDGED;
    };
    const write = node.submit(put('k', 'v'), { timeoutMs: 1000 });
    await scene.move(1000);
    expect(write.value).toMatchObject({ kind: 'timed-out', isUnknown: true });
    await scene.move(500);
    const triedSoFar = appends;
    expect(triedSoFar).toBeGreaterThan(1);
    scene.fateOf = () => ACKNOWLEDGED;
    await scene.move(5000);
    expect(appends).toBe(triedSoFar);
    expect(keysWritten(scene)).toEqual([]);
    const next = node.submit(put('l', 'v'));
    await scene.settle();
    expect(next.value?.kind).toBe('applied');
  });

  test('for good is too large, and certainly not applied', async () => {
    const { scene, node } = await ready();
    scene.fateOf = fates([{ kind: 'refused', answersAfterMs: 0, isPermanent: true }]);
    const write = node.submit(put('k', 'v'));
    await scene.settle();
    expect(write.value).toMatchObject({ kind: 'refused', reason: 'too-large', isUnknown: false });
    await scene.move(3000);
    expect(keysWritten(scene)).toEqual([]);
  });

  test('for good after one of which nobody knows is unknown, for that one may have landed', async () => {
    const { scene, node } = await ready();
    scene.fateOf = fates([lost(400), { kind: 'refused', answersAfterMs: 0, isPermanent: true }]);
    const write = node.submit(put('k', 'v'));
    await scene.move(399);
    expect(write.value).toMatchObject({ kind: 'refused', reason: 'too-large', isUnknown: true });
    expect(node.get('k')).toBeUndefined();
    await scene.move(1);
    expect(node.get('k')).toBe('v');
  });

  test('is said by the readiness page while it lasts', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => REFUSED;
    await scene.move(1100);
    expect(node.node.status().degraded.join()).toContain('the log does not take what is written');
    scene.fateOf = () => ACKNOWLEDGED;
    await scene.move(2000);
    expect(node.node.status().degraded).toEqual([]);
  });
});

test('a command too large for a frame is refused at once, one that just fits is taken', async () => {
  const { scene, node } = await ready();
  const room = FRAME_LIMITS.maxFrameBytes - FRAME_LIMITS.headBytes;
  const write = node.submit(put('k', new Uint8Array(room)));
  await scene.settle();
  expect(write.value).toMatchObject({ kind: 'refused', reason: 'too-large', isUnknown: false });
  const fitting = node.submit(put('k', new Uint8Array(room - 100)));
  await scene.settle();
  expect(fitting.value).toMatchObject({ kind: 'applied', outcome: { code: 'value-too-large' } });
});

test('one append is in flight at a time, and all that arrive meanwhile are the next frame', async () => {
  const { scene, node } = await ready();
  let inFlight = 0;
  scene.fateOf = () => {
    inFlight++;
    scene.clock.after(100, () => inFlight--);
    expect(inFlight).toBe(1);
    return { kind: 'acknowledged', landsAfterMs: 100, answersAfterMs: 100 };
  };
  const before = scene.store.history().length;
  const writes = [node.submit(put('first', 'v'))];
  await scene.settle();
  for (let n = 0; n < 50; n++) writes.push(node.submit(increment('n')));
  await scene.move(210);
  expect(writes.map((write) => write.value?.kind)).toEqual(new Array(51).fill('applied'));
  expect(scene.store.history().length).toBe(before + 2);
});

test('a log that hangs keeps no request longer than its time', async () => {
  const { scene, node } = await ready();
  scene.fateOf = () => HANGS;
  const writes = [100, 2000, 60_000].map((timeoutMs) => node.submit(put('k', 'v'), { timeoutMs }));
  for (const [at, wait] of [100, 1900, 58_000].entries()) {
    await scene.move(wait - 1);
    expect(writes[at]?.isSettled).toBe(false);
    await scene.move(1);
    expect(writes[at]?.value?.kind).toBe('timed-out');
  }
});

async function ready() {
  const scene = new Scene();
  const node = await scene.startReady('node-1');
  return { scene, node };
}

/** Fates of the appends that carry clients' commands, in order; afterwards, and for all others, acknowledged. */
function fates(list: AppendFate[]): Scene['fateOf'] {
  return (_handle, payload) => (keysIn(payload).length > 0 ? list.shift() : undefined) ?? ACKNOWLEDGED;
}

/** Lands, and its acknowledgement is lost. */
function lost(landsAfterMs: number): AppendFate {
  return { kind: 'unknown', landsAfterMs, answersAfterMs: 0 };
}

/** Keys of the clients' commands in a payload. */
function keysIn(payload: Uint8Array): string[] {
  const decoded = decodeFrame(payload);
  if (decoded.kind !== 'frame') return [];
  return decoded.frame.commands.flatMap(({ command }) =>
    'condition' in command ? [Buffer.from(command.key).toString('latin1')] : [],
  );
}

function keysWritten(scene: Scene): string[] {
  return scene.store.history().flatMap(({ payload }) => keysIn(payload));
}
