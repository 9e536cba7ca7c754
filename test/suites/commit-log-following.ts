// The part of the commit log's contract about followers: order, waking, back-pressure, ends.
import { expect, test } from 'vitest';
import { type CommitLog, OffsetOutOfRange } from '../../src/log/commit-log.ts';
import { bytes, MIB, numbers, text, texts, writeMany } from './log-records.ts';
import { gate, LogTail, within } from './log-tail.ts';

/** The store of the running test: a handle on it, and the way to open further ones. */
type OpenedStore = { readonly log: CommitLog; open(): Promise<CommitLog> };

/** The tests, called within `describe`. */
export function followingContract(opened: OpenedStore): void {
  test('delivers from any offset, each record once, in order', async () => {
    await writeMany(opened.log, 'r', 30);
    for (const from of [0, 1, 17, 29]) {
      const tail = new LogTail(opened.log, from);
      await tail.received(30 - from);
      await tail.stop();
      expect(tail.offsets).toEqual(numbers(30).slice(from));
    }
  });

  test('from the end waits, and is woken by an append through its own handle or another', async () => {
    const other = await opened.open();
    await writeMany(opened.log, 'r', 3);
    const tail = new LogTail(opened.log, 3);
    await opened.log.append(bytes('own'));
    await tail.received(1);
    await other.append(bytes('foreign'));
    await tail.received(2);
    await tail.stop();
    expect(tail.records.map((r) => text(r.payload))).toEqual(['own', 'foreign']);
    expect(tail.offsets).toEqual([3, 4]);
  });

  test('gives every record the time of its append as a whole number, equal for all followers', async () => {
    await writeMany(opened.log, 'r', 10);
    const tails = [new LogTail(opened.log, 0), new LogTail(await opened.open(), 0)];
    for (const tail of tails) await tail.received(10);
    for (const tail of tails) await tail.stop();
    const [first, second] = tails.map((tail) => tail.records.map((r) => r.timestamp));
    for (const timestamp of first ?? []) expect(Number.isSafeInteger(timestamp)).toBe(true);
    expect(second).toEqual(first);
  });

  test('serves many followers on several handles while writers go on', async () => {
    const other = await opened.open();
    const tails = numbers(8).map((n) => new LogTail(n % 2 === 0 ? opened.log : other, 0));
    await Promise.all([writeMany(opened.log, 'a', 100), writeMany(other, 'b', 100)]);
    for (const tail of tails) await tail.received(200);
    for (const tail of tails) await tail.stop();
    const expected = await texts(opened.log, 0, 200);
    for (const tail of tails) {
      expect(tail.offsets).toEqual(numbers(200));
      expect(tail.records.map((r) => text(r.payload))).toEqual(expected);
    }
  });

  test('does not deliver a batch before the last one was taken', async () => {
    const held = gate();
    let running = 0;
    let mostRunning = 0;
    const tail = new LogTail(opened.log, 0, async () => {
      mostRunning = Math.max(mostRunning, ++running);
      await held.opened;
      running -= 1;
    });
    await opened.log.append(bytes('first'));
    await tail.received(1);
    await writeMany(opened.log, 'r', 50);
    const seen = new LogTail(opened.log, 0);
    await seen.received(51);
    expect(tail.batches.length).toBe(1);
    held.open();
    await tail.received(51);
    await tail.stop();
    await seen.stop();
    expect(mostRunning).toBe(1);
    expect(tail.offsets).toEqual(numbers(51));
  });

  test('does not fetch the next batch but one before the last one was taken', async () => {
    const held = gate();
    await writeMany(opened.log, 'r', 40, MIB);
    const tail = new LogTail(opened.log, 0, () => held.opened);
    await tail.received(1);
    await opened.log.trim(40);
    held.open();
    await expect(within('the follower to miss what was trimmed', tail.ended)).rejects.toBeInstanceOf(OffsetOutOfRange);
    expect(tail.batches.length).toBeLessThanOrEqual(2);
    expect(tail.offsets).toEqual(numbers(tail.records.length));
  });

  test('resolves when aborted before the start, while it waits, and while records come', async () => {
    const before = opened.log.follow({ from: 0, onRecords: async () => {}, signal: AbortSignal.abort() });
    await within('the follower aborted before its start', before);
    const waiting = new LogTail(opened.log, 0);
    await waiting.stop();
    const writing = writeMany(opened.log, 'r', 50);
    const busy = new LogTail(opened.log, 0);
    await busy.received(1);
    await busy.stop();
    await writing;
  });

  test('aborted while records are being taken, delivers no more and resolves after they were', async () => {
    const held = gate();
    const order: string[] = [];
    const tail = new LogTail(opened.log, 0, () => held.opened.then(() => void order.push('taken')));
    await opened.log.append(bytes('a'));
    await tail.received(1);
    tail.abort();
    await opened.log.append(bytes('b'));
    held.open();
    await within('the follower to end', tail.ended);
    order.push('ended');
    expect(order).toEqual(['taken', 'ended']);
    expect(tail.offsets).toEqual([0]);
  });

  test('rejects with what onRecords rejected with', async () => {
    await opened.log.append(bytes('a'));
    const broken = new Error('cannot apply');
    const tail = new LogTail(opened.log, 0, () => Promise.reject(broken));
    await expect(within('the follower to end', tail.ended)).rejects.toBe(broken);
    expect(await opened.log.append(bytes('b'))).toEqual({ offset: 1 });
  });

  test('rejects an offset beyond the end and one below the start as out of range', async () => {
    await writeMany(opened.log, 'r', 10);
    const beyond = new LogTail(opened.log, 11).ended;
    await expect(within('the rejection', beyond)).rejects.toMatchObject({ wanted: 11, start: 0, end: 10 });
    await expect(beyond).rejects.toBeInstanceOf(OffsetOutOfRange);
    await opened.log.trim(4);
    const below = new LogTail(opened.log, 3).ended;
    await expect(within('the rejection', below)).rejects.toMatchObject({ wanted: 3, start: 4, end: 10 });
    await expect(below).rejects.toBeInstanceOf(OffsetOutOfRange);
  });
}
