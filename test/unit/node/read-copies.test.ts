// What a read's promise answers stays what it was, whatever is applied before it is heard.
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/world.ts';
import type { Entry } from '../../../src/core/keyspace.ts';
import { Machine } from '../../../src/core/machine.ts';
import { createMemoryLogStore } from '../../../src/log/memory-log.ts';
import { EstimatedLogTime } from '../../../src/node/estimate.ts';
import { Reads, type ReadsOptions } from '../../../src/node/reads.ts';
import { OffHeapKeyspace } from '../../../src/store/off-heap-keyspace.ts';

const KEY = Buffer.from('key');
const clock: Clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => {}, nextTurn: async () => {} };

test.each(['eventual', 'session', 'linearizable'] as const)(
  '%s: the value of a read is a copy',
  async (consistency) => {
    const machine = new Machine(new OffHeapKeyspace(1));
    const entry: Entry = { value: Buffer.from('old'), contentType: 'text/plain', revision: 1, expiresAt: 0 };
    machine.state.keyspace.set(KEY, entry);
    const log = createMemoryLogStore({ clock }).open('test');
    const committer = {} as ReadsOptions['committer']; // Only asked for a barrier that must be appended.
    const refusal = () => undefined;
    const reads = new Reads({ machine, log, clock, committer, refusal, estimate: new EstimatedLogTime(clock) });
    const read = await reads.read({ key: KEY, consistency, minRevision: 0, timeoutMs: 1000 });
    machine.state.keyspace.set(KEY, { ...entry, value: Buffer.from('new'), revision: 2 });
    expect(read.kind === 'read' && Buffer.from(read.entry?.value ?? []).toString()).toBe('old');
    await log.close();
  },
);
