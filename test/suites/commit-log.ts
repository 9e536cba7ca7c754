// The contract of the commit log: every implementation of the port passes it (the crash part is in commit-log-crash.ts).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppendRefused, type CommitLog, OffsetOutOfRange } from '../../src/log/commit-log.ts';
import { gate, LogTail, within } from './log-tail.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** One fresh, empty log. */
export type TestLogStore = {
  /** A further handle on it, as another process would have one. The suite closes every handle. */
  open(): Promise<CommitLog>;
  /** Removes the store; called after all its handles were closed. */
  remove(): Promise<void>;
};

export type CommitLogHarness = {
  createStore(): Promise<TestLogStore>;
  /** A payload of this size can never be taken. */
  readonly tooLargeBytes: number;
};

export function commitLogContract(name: string, harness: CommitLogHarness): void {
  describe(`the contract of the commit log: ${name}`, () => {
    let store: TestLogStore;
    let log: CommitLog;
    let handles: CommitLog[];

    async function open(): Promise<CommitLog> {
      const handle = await store.open();
      handles.push(handle);
      return handle;
    }

    beforeEach(async () => {
      handles = [];
      store = await harness.createStore();
      log = await open();
    });

    afterEach(async () => {
      for (const handle of handles) await within('a handle to close', handle.close());
      await store.remove();
    });

    describe('append', () => {
      test('gives offsets from 0 on without a gap', async () => {
        expect(await log.start()).toBe(0);
        expect(await log.end()).toBe(0);
        for (let offset = 0; offset < 5; offset++) expect(await log.append(bytes(`r${offset}`))).toEqual({ offset });
        expect(await log.start()).toBe(0);
        expect(await log.end()).toBe(5);
      });

      test('keeps the order of the calls on one handle', async () => {
        const acknowledged = await Promise.all(numbers(50).map((n) => log.append(bytes(`r${n}`))));
        expect(acknowledged.map((a) => a.offset)).toEqual(numbers(50));
        expect(await texts(log, 0, 50)).toEqual(numbers(50).map((n) => `r${n}`));
      });

      test('keeps every byte of payloads from 1 byte to 1.5 MiB, and the one that was given', async () => {
        const payloads = [1, 2, 255, 256, 65_535, 65_536, MIB + 512 * KIB, 3].map((size, n) => noise(size, n));
        const copies = payloads.map((payload) => Uint8Array.from(payload));
        for (const payload of payloads) await log.append(payload);
        const tail = new LogTail(await open(), 0);
        await tail.received(payloads.length);
        await tail.stop();
        for (const [n, copy] of copies.entries()) {
          expect(Buffer.compare(tail.records[n]?.payload ?? bytes(''), copy)).toBe(0);
          expect(Buffer.compare(payloads[n] ?? bytes(''), copy)).toBe(0);
        }
      });

      test('takes a payload that is a part of a larger buffer', async () => {
        await log.append(bytes('..inner..').subarray(2, 7));
        expect(await texts(log, 0, 1)).toEqual(['inner']);
      });

      test('lets the caller use its buffer again after the acknowledgement', async () => {
        const buffer = bytes('first');
        await log.append(buffer);
        buffer.set(bytes('later'));
        await log.append(buffer);
        expect(await texts(log, 0, 2)).toEqual(['first', 'later']);
      });

      test('refuses a payload that is too large for good, and goes on', async () => {
        const error = await log.append(noise(harness.tooLargeBytes, 1)).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(AppendRefused);
        expect(error).toMatchObject({ isPermanent: true });
        expect(await log.append(bytes('next'))).toEqual({ offset: 0 });
      });

      test('of two handles at once gives no offset twice and leaves no gap', async () => {
        const other = await open();
        const offsets = (await Promise.all([log, other].map((handle, h) => writeMany(handle, `h${h}`, 150)))).flat();
        expect(offsets.map((o) => o.offset).sort((a, b) => a - b)).toEqual(numbers(300));
        const found = await texts(log, 0, 300);
        for (const { offset, text } of offsets) expect(found[offset]).toBe(text);
      });

      test('is seen by the end and the start of another handle', async () => {
        const other = await open();
        await log.append(bytes('a'));
        expect(await other.end()).toBe(1);
        expect(await other.append(bytes('b'))).toEqual({ offset: 1 });
        expect(await log.end()).toBe(2);
      });
    });

    describe('barrier', () => {
      test('is "append", or not below the end of anything acknowledged through any handle', async () => {
        const other = await open();
        for (let n = 0; n < 20; n++) {
          const { offset } = await log.append(bytes(`r${n}`));
          for (const handle of [log, other]) {
            const barrier = await handle.barrier();
            if (barrier !== 'append') expect(barrier).toBeGreaterThan(offset);
          }
        }
      });
    });

    describe('follow', () => {
      test('delivers from any offset, each record once, in order', async () => {
        await writeMany(log, 'r', 30);
        for (const from of [0, 1, 17, 29]) {
          const tail = new LogTail(log, from);
          await tail.received(30 - from);
          await tail.stop();
          expect(tail.offsets).toEqual(numbers(30).slice(from));
        }
      });

      test('from the end waits, and is woken by an append through its own handle or another', async () => {
        const other = await open();
        await writeMany(log, 'r', 3);
        const tail = new LogTail(log, 3);
        await log.append(bytes('own'));
        await tail.received(1);
        await other.append(bytes('foreign'));
        await tail.received(2);
        await tail.stop();
        expect(tail.records.map((r) => text(r.payload))).toEqual(['own', 'foreign']);
        expect(tail.offsets).toEqual([3, 4]);
      });

      test('gives every record the time of its append as a whole number, equal for all followers', async () => {
        await writeMany(log, 'r', 10);
        const tails = [new LogTail(log, 0), new LogTail(await open(), 0)];
        for (const tail of tails) await tail.received(10);
        for (const tail of tails) await tail.stop();
        const [first, second] = tails.map((tail) => tail.records.map((r) => r.timestamp));
        for (const timestamp of first ?? []) expect(Number.isSafeInteger(timestamp)).toBe(true);
        expect(second).toEqual(first);
      });

      test('serves many followers on several handles while writers go on', async () => {
        const other = await open();
        const tails = numbers(8).map((n) => new LogTail(n % 2 === 0 ? log : other, 0));
        await Promise.all([writeMany(log, 'a', 100), writeMany(other, 'b', 100)]);
        for (const tail of tails) await tail.received(200);
        for (const tail of tails) await tail.stop();
        const expected = await texts(log, 0, 200);
        for (const tail of tails) {
          expect(tail.offsets).toEqual(numbers(200));
          expect(tail.records.map((r) => text(r.payload))).toEqual(expected);
        }
      });

      test('does not deliver a batch before the last one was taken', async () => {
        const held = gate();
        let running = 0;
        let mostRunning = 0;
        const tail = new LogTail(log, 0, async () => {
          mostRunning = Math.max(mostRunning, ++running);
          await held.opened;
          running -= 1;
        });
        await log.append(bytes('first'));
        await tail.received(1);
        await writeMany(log, 'r', 50);
        const seen = new LogTail(log, 0);
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
        await writeMany(log, 'r', 40, MIB);
        const tail = new LogTail(log, 0, () => held.opened);
        await tail.received(1);
        await log.trim(40);
        held.open();
        await expect(within('the follower to miss what was trimmed', tail.ended)).rejects.toBeInstanceOf(
          OffsetOutOfRange,
        );
        expect(tail.batches.length).toBeLessThanOrEqual(2);
        expect(tail.offsets).toEqual(numbers(tail.records.length));
      });

      test('resolves when aborted before the start, while it waits, and while records come', async () => {
        const before = log.follow({ from: 0, onRecords: async () => {}, signal: AbortSignal.abort() });
        await within('the follower aborted before its start', before);
        const waiting = new LogTail(log, 0);
        await waiting.stop();
        const writing = writeMany(log, 'r', 50);
        const busy = new LogTail(log, 0);
        await busy.received(1);
        await busy.stop();
        await writing;
      });

      test('aborted while records are being taken, delivers no more and resolves after they were', async () => {
        const held = gate();
        const order: string[] = [];
        const tail = new LogTail(log, 0, () => held.opened.then(() => void order.push('taken')));
        await log.append(bytes('a'));
        await tail.received(1);
        tail.abort();
        await log.append(bytes('b'));
        held.open();
        await within('the follower to end', tail.ended);
        order.push('ended');
        expect(order).toEqual(['taken', 'ended']);
        expect(tail.offsets).toEqual([0]);
      });

      test('rejects with what onRecords rejected with', async () => {
        await log.append(bytes('a'));
        const broken = new Error('cannot apply');
        const tail = new LogTail(log, 0, () => Promise.reject(broken));
        await expect(within('the follower to end', tail.ended)).rejects.toBe(broken);
        expect(await log.append(bytes('b'))).toEqual({ offset: 1 });
      });

      test('rejects an offset beyond the end and one below the start as out of range', async () => {
        await writeMany(log, 'r', 10);
        const beyond = new LogTail(log, 11).ended;
        await expect(within('the rejection', beyond)).rejects.toMatchObject({ wanted: 11, start: 0, end: 10 });
        await expect(beyond).rejects.toBeInstanceOf(OffsetOutOfRange);
        await log.trim(4);
        const below = new LogTail(log, 3).ended;
        await expect(within('the rejection', below)).rejects.toMatchObject({ wanted: 3, start: 4, end: 10 });
        await expect(below).rejects.toBeInstanceOf(OffsetOutOfRange);
      });
    });

    describe('trim', () => {
      test('drops what is below, keeps the rest, and moves the start', async () => {
        await writeMany(log, 'r', 2_500);
        await log.trim(2_400);
        expect(await log.start()).toBe(2_400);
        expect(await log.end()).toBe(2_500);
        const tail = new LogTail(await open(), 2_400);
        await tail.received(100);
        await tail.stop();
        expect(tail.offsets[0]).toBe(2_400);
      });

      test('to the very end, then append: offsets go on, also through a handle opened later', async () => {
        await writeMany(log, 'r', 5);
        const tail = new LogTail(log, 5);
        await log.trim(5);
        expect(await log.start()).toBe(5);
        expect(await log.end()).toBe(5);
        const later = await open();
        expect(await later.end()).toBe(5);
        expect(await later.append(bytes('next'))).toEqual({ offset: 5 });
        expect(await log.append(bytes('after'))).toEqual({ offset: 6 });
        await tail.received(2);
        await tail.stop();
        expect(tail.offsets).toEqual([5, 6]);
        expect(await log.start()).toBe(5);
      });

      test('below the start changes nothing, beyond the end is refused', async () => {
        await writeMany(log, 'r', 5);
        await log.trim(3);
        await log.trim(2);
        expect(await log.start()).toBe(3);
        await expect(log.trim(6)).rejects.toBeInstanceOf(OffsetOutOfRange);
        expect(await log.start()).toBe(3);
      });
    });

    describe('close', () => {
      test('settles appends and followers, and what comes later is refused', async () => {
        const tail = new LogTail(log, 0);
        const appends = numbers(20).map((n) => log.append(bytes(`r${n}`)));
        const settled = Promise.allSettled([...appends, tail.ended]);
        await within('the handle to close', log.close());
        await within('everything to settle', settled);
        await expect(log.append(bytes('late'))).rejects.toMatchObject({ name: 'AppendRefused', isPermanent: false });
        await expect(log.end()).rejects.toBeInstanceOf(Error);
        await within('closing again', log.close());
      });

      test('loses nothing that was acknowledged', async () => {
        await writeMany(log, 'r', 20);
        await log.close();
        const next = await open();
        expect(await next.end()).toBe(20);
        expect(await texts(next, 0, 20)).toEqual(numbers(20).map((n) => `r-${n}`));
      });
    });
  });
}

/** Appends `count` records in order, 25 at a time; answers each one's text and offset. */
async function writeMany(log: CommitLog, prefix: string, count: number, padding = 0) {
  const written: { readonly offset: number; readonly text: string }[] = [];
  while (written.length < count) {
    const texts = numbers(Math.min(25, count - written.length)).map((n) => `${prefix}-${written.length + n}`);
    const appends = texts.map((content) => log.append(padded(content, padding)));
    for (const [n, content] of texts.entries())
      written.push({ offset: (await appends[n])?.offset ?? -1, text: content });
  }
  return written;
}

function padded(content: string, size: number): Uint8Array {
  const payload = new Uint8Array(Math.max(size, content.length));
  payload.set(bytes(content));
  return payload;
}

async function texts(log: CommitLog, from: number, count: number): Promise<string[]> {
  const tail = new LogTail(log, from);
  await tail.received(count);
  await tail.stop();
  return tail.records.map((record) => text(record.payload));
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Bytes that no compression and no text decoding survives, the same for the same seed. */
function noise(size: number, seed: number): Uint8Array {
  const out = new Uint8Array(size);
  let state = seed + 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}
