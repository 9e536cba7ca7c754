// The memory log: the contract, and each of its planned faults under a clock moved by hand.
import { describe, expect, test } from 'vitest';
import { LOG_LIMITS } from '../../../src/base/limits.ts';
import { systemWorld } from '../../../src/base/system-world.ts';
import type { Clock } from '../../../src/base/world.ts';
import { type AppendFate, createMemoryLogStore } from '../../../src/log/memory-log.ts';
import { commitLogContract } from '../../suites/commit-log.ts';
import { LogTail } from '../../suites/log-tail.ts';

commitLogContract('memory log', {
  tooLargeBytes: LOG_LIMITS.maxPayloadBytes + 1,
  async createStore() {
    const store = createMemoryLogStore({ clock: systemWorld.clock });
    return { open: async () => store.open(), remove: async () => {} };
  },
});

describe('the faults of the memory log', () => {
  test('a lost acknowledgement: the record lands, the writer is told that nobody knows', async () => {
    const { store, time } = storeWith({ kind: 'unknown', landsAfterMs: 5, answersAfterMs: 10 });
    const append = store.open().append(bytes('a'));
    const rejected = expect(append).rejects.toMatchObject({ name: 'AppendUnknown' });
    await time.move(10);
    await rejected;
    expect(store.history().map((record) => record.offset)).toEqual([0]);
  });

  test('an unknown append may also never land', async () => {
    const { store, time } = storeWith({ kind: 'unknown', landsAfterMs: undefined, answersAfterMs: 0 });
    const rejected = expect(store.open().append(bytes('a'))).rejects.toMatchObject({ name: 'AppendUnknown' });
    await time.move(1_000);
    await rejected;
    expect(store.history()).toEqual([]);
  });

  test('a zombie append lands after its writer was answered and even after its handle was closed', async () => {
    const { store, time } = storeWith({ kind: 'unknown', landsAfterMs: 60_000, answersAfterMs: 1 });
    const log = store.open();
    const rejected = expect(log.append(bytes('zombie'))).rejects.toMatchObject({ name: 'AppendUnknown' });
    await time.move(1);
    await rejected;
    await log.close();
    expect(store.history()).toEqual([]);
    await time.move(60_000);
    expect(store.history().length).toBe(1);
  });

  test('a refused append is not in the log', async () => {
    const { store, time } = storeWith({ kind: 'refused', answersAfterMs: 0, isPermanent: false });
    const rejected = expect(store.open().append(bytes('a'))).rejects.toMatchObject({ name: 'AppendRefused' });
    await time.move(0);
    await rejected;
    expect(store.history()).toEqual([]);
  });

  test('a record is seen by a follower before its late acknowledgement', async () => {
    const { store, time } = storeWith({ kind: 'acknowledged', landsAfterMs: 1, answersAfterMs: 500 });
    const log = store.open();
    const tail = new LogTail(log, 0);
    let isAcknowledged = false;
    const append = log.append(bytes('a')).then(() => {
      isAcknowledged = true;
    });
    await time.move(2);
    await tail.received(1);
    expect(isAcknowledged).toBe(false);
    await time.move(500);
    await append;
    await tail.stop();
  });

  test('delivery to a slow follower waits, to another it does not; timestamps may go back', async () => {
    const time = new HandMovedClock();
    const timestamps = [5_000, 1_000];
    const store = createMemoryLogStore({
      clock: time,
      faults: {
        deliveryDelayMs: (handle) => (handle === 'slow' ? 300 : 0),
        timestamp: () => timestamps.shift() ?? 0,
      },
    });
    const fast = new LogTail(store.open('fast'), 0);
    const slow = new LogTail(store.open('slow'), 0);
    const writer = store.open('writer');
    const appends = [writer.append(bytes('a')), writer.append(bytes('b'))];
    await time.move(10);
    await Promise.all(appends);
    await fast.received(2);
    expect(fast.records.map((record) => record.timestamp)).toEqual([5_000, 1_000]);
    expect(slow.records).toEqual([]);
    await time.move(300);
    await time.move(300);
    await slow.received(2);
    await fast.stop();
    await slow.stop();
  });
});

function storeWith(fate: AppendFate) {
  const time = new HandMovedClock();
  return { time, store: createMemoryLogStore({ clock: time, faults: { fateOfAppend: () => fate } }) };
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** A clock that stands still until it is moved. */
class HandMovedClock implements Clock {
  #now = 0;
  #tasks: { at: number; task: () => void }[] = [];

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  after(ms: number, task: () => void) {
    const entry = { at: this.#now + ms, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  nextTurn(): Promise<void> {
    return systemWorld.clock.nextTurn();
  }

  /** Runs all that becomes due within `ms`, in order, promises included. */
  async move(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await this.nextTurn();
      const due = this.#tasks.filter((entry) => entry.at <= target).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#tasks = this.#tasks.filter((entry) => entry !== due);
      this.#now = due.at;
      due.task();
    }
    this.#now = target;
  }
}
