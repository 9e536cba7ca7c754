// The contract of the commit log: every implementation of the port passes it (the crash part is in commit-log-crash.ts).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppendRefused, type CommitLog, OffsetOutOfRange } from '../../src/log/commit-log.ts';
import { followingContract } from './commit-log-following.ts';
import { bytes, KIB, MIB, noise, numbers, texts, writeMany } from './log-records.ts';
import { LogTail, within } from './log-tail.ts';

/** One fresh, empty log. */
type TestLogStore = {
  /** A further handle on it, as another process would have one. The suite closes every handle. */
  open(): Promise<CommitLog>;
  /** Removes the store; called after all its handles were closed. */
  remove(): Promise<void>;
};

type CommitLogHarness = {
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

    const opened = {
      get log() {
        return log;
      },
      open,
    };

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

    describe('follow', () => followingContract(opened));

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
