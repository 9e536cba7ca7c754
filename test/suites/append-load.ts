// Writers that append without pause through faults and remember what they were told of each record, and the judge of whether it was true.
import { expect } from 'vitest';
import { backoffMs, pauseFor } from '../../src/log/backoff.ts';
import { AppendRefused, AppendUnknown, type CommitLog } from '../../src/log/commit-log.ts';
import { LogTail, within } from './log-tail.ts';

export class AppendLoad {
  readonly acknowledged = new Map<string, number>();
  readonly refused = new Set<string>();
  readonly unknown = new Set<string>();
  /** How many appends were acknowledged (good), and how many refused or left unknown (bad). */
  #settled = { good: 0, bad: 0 };
  readonly #log: CommitLog;
  readonly #name: string;
  readonly #lanes: Promise<void>[];
  #stopped = false;
  #waiters: { kind: 'good' | 'bad'; count: number; resolve: () => void }[] = [];

  constructor(log: CommitLog, name: string, lanes = 4) {
    this.#log = log;
    this.#name = name;
    this.#lanes = Array.from({ length: lanes }, (_, lane) => this.#write(lane));
    // A lane that breaks is reported by stop().
    for (const lane of this.#lanes) lane.catch(() => {});
  }

  /** Resolves after `count` further acknowledgements. */
  acknowledges(count: number, deadlineMs = 30_000): Promise<void> {
    return this.#settles('good', count, deadlineMs);
  }

  /** Resolves after `count` further appends were refused or left unknown. */
  fails(count: number, deadlineMs = 30_000): Promise<void> {
    return this.#settles('bad', count, deadlineMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await within('the writers to end', Promise.all(this.#lanes));
  }

  /** Reads the whole log: acknowledged records stand at their offset, refused ones nowhere, nothing stands twice, no offset is missing. */
  async judge(log: CommitLog): Promise<void> {
    const { offset: last } = await log.append(new TextEncoder().encode('the end'));
    const tail = new LogTail(log, 0);
    await tail.received(last + 1);
    await tail.stop();
    const found = new Map<string, number>();
    for (const [n, record] of tail.records.entries()) {
      expect(record.offset).toBe(n);
      const id = new TextDecoder().decode(record.payload);
      if (found.has(id)) throw new Error(`${id} stands at ${found.get(id)} and at ${n}`);
      found.set(id, n);
    }
    const lost = [...this.acknowledged].filter(([id, offset]) => found.get(id) !== offset);
    const untrue = [...this.refused].filter((id) => found.has(id));
    expect({ lost, untrue }).toEqual({ lost: [], untrue: [] });
    const known = this.acknowledged.size + [...this.unknown].filter((id) => found.has(id)).length;
    expect(found.size).toBe(known + 1);
  }

  async #write(lane: number): Promise<void> {
    let failures = 0;
    for (let n = 0; !this.#stopped; n += 1) {
      const id = `${this.#name}/${lane}/${n}`;
      try {
        const { offset } = await this.#log.append(new TextEncoder().encode(id));
        this.acknowledged.set(id, offset);
        this.#settle('good');
        failures = 0;
      } catch (error) {
        if (error instanceof AppendRefused) this.refused.add(id);
        else if (error instanceof AppendUnknown) this.unknown.add(id);
        else throw error;
        this.#settle('bad');
        await pauseFor(backoffMs(failures, Math.random));
        failures += 1;
      }
    }
  }

  async #settles(kind: 'good' | 'bad', count: number, deadlineMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ kind, count: this.#settled[kind] + count, resolve });
    const what = `${count} more ${kind} appends (${this.#settled.good} good, ${this.#settled.bad} bad)`;
    await within(what, Promise.race([promise, Promise.all(this.#lanes)]), deadlineMs);
  }

  #settle(kind: 'good' | 'bad'): void {
    this.#settled[kind] += 1;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.kind === kind && this.#settled[kind] >= waiter.count) waiter.resolve();
      return waiter.kind !== kind || this.#settled[kind] < waiter.count;
    });
  }
}
