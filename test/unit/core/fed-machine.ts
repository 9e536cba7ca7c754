// A machine fed by hand: each call is a frame of one member's commands, at the next offset, a moment later.
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { decodeFrame, encodeCommand, encodeFrame } from '../../../src/core/codec.ts';
import type { Command, Heartbeat, Operation, StateLimits, Transaction } from '../../../src/core/commands/command.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { ALWAYS, type Condition } from '../../../src/core/condition.ts';
import type { Keyspace } from '../../../src/core/keyspace.ts';
import { Machine } from '../../../src/core/machine.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';

export class FedMachine {
  readonly machine: Machine;
  now = 1_000_000;
  readonly #frames = new Map<string, number>();

  /** `limits`: what differs from the defaults. */
  constructor(limits: Partial<StateLimits> = {}, keyspace: Keyspace = new MapKeyspace()) {
    this.machine = new Machine(keyspace);
    this.apply({
      type: 'create-cluster',
      cluster: 'c',
      limits: { ...STATE_LIMITS, featureLevel: FEATURE_LEVEL, ...limits },
    });
  }

  apply(command: Command, id = '', node = 'node-1'): Outcome {
    const n = (this.#frames.get(node) ?? 0) + 1;
    this.#frames.set(node, n);
    const bytes = encodeCommand({ attempt: 0, id, caller: '', deadline: 0 }, command);
    const decoded = decodeFrame(encodeFrame({ node, incarnation: 'i', n }, [bytes]));
    if (decoded.kind === 'newer') throw new Error(decoded.reason);
    let heard: Outcome | undefined;
    this.now += 10;
    this.machine.apply(this.machine.nextOffset, this.now, decoded, (_, outcome) => {
      heard = outcome;
    });
    if (heard === undefined) throw new Error('the frame was not applied');
    return heard;
  }

  beat(node: string, featureLevel: number): void {
    this.apply({ ...HEARTBEAT, featureLevel }, '', node);
  }

  /** The value of a key as text; undefined if there is none. */
  text(key: string): string | undefined {
    const entry = this.machine.state.entry(Buffer.from(key));
    return entry === undefined ? undefined : Buffer.from(entry.value).toString();
  }
}

export const HEARTBEAT: Heartbeat = {
  type: 'heartbeat',
  cluster: 'c',
  address: '',
  pid: 1,
  version: '',
  featureLevel: 1,
  isReady: true,
  revision: 0,
  lagMs: 0,
  keys: 0,
  bytes: 0,
  report: undefined,
};

export function put(key: string, value: string, ttlMs = 0, condition: Condition = ALWAYS) {
  const bytes = { key: Buffer.from(key), value: Buffer.from(value) };
  return { type: 'put', ...bytes, contentType: 't', ttlMs, condition } as const;
}

export function increment(key: string, by: bigint) {
  return { type: 'increment', key: Buffer.from(key), by, ttlMs: 0, condition: ALWAYS } as const;
}

export function append(key: string, value: string) {
  return { ...put(key, value), type: 'append' } as const;
}

export function get(key: string, condition: Condition = ALWAYS) {
  return { type: 'get', key: Buffer.from(key), condition } as const;
}

export function remove(key: string, condition: Condition = ALWAYS) {
  return { type: 'delete', key: Buffer.from(key), condition } as const;
}

export function touch(key: string, ttlMs: number) {
  return { type: 'touch', key: Buffer.from(key), ttlMs, condition: ALWAYS } as const;
}

export function deletePrefix(prefix: string, limit = 10_000) {
  return { type: 'delete-prefix', prefix: Buffer.from(prefix), limit } as const;
}

export function transaction(thenDo: readonly Operation[], rest: Partial<Transaction> = {}): Transaction {
  return { type: 'transaction', compares: [], thenDo, elseDo: [], ...rest };
}
