// Feeds a machine with records as a log would: encoded by one hand, decoded by the other, at one offset after another.
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { type CommandHead, decodeFrame, encodeCommand, encodeFrame } from '../../../src/core/codec.ts';
import type { Command, Heartbeat, StateLimits } from '../../../src/core/commands/command.ts';
import { type Disposition, Machine } from '../../../src/core/machine.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';

export type Sent = Partial<CommandHead> & { readonly command: Command };
export type Payload = { readonly payload: Uint8Array; readonly timestamp: number };

export const CLUSTER = 'the-cluster';
export const LIMITS: StateLimits = { ...STATE_LIMITS, featureLevel: 1 };
export const EPOCH = 1_700_000_000_000;

export class Feeder {
  readonly machine = new Machine(new MapKeyspace());
  /** All that was fed, for another machine to be fed with. */
  readonly fed: Payload[] = [];
  /** The outcomes of the latest record. */
  outcomes: readonly Outcome[] = [];
  timestamp = EPOCH;
  #n = 0;

  /** Creates the cluster and lets the author join, at n 1 and 2. */
  begin(limits = LIMITS): this {
    this.frame([{ command: { type: 'create-cluster', cluster: CLUSTER, limits } }]);
    this.frame([{ command: heartbeat() }]);
    return this;
  }

  /** A frame of node-1 with the next number. */
  frame(sent: readonly Sent[]): Disposition {
    return this.feed(frameOf('node-1/1', ++this.#n, sent));
  }

  /** One command in a frame of its own. */
  command(command: Command, head: Partial<CommandHead> = {}): Outcome {
    this.frame([{ ...head, command }]);
    const [outcome] = this.outcomes;
    if (outcome === undefined) throw new Error('the frame was not applied');
    return outcome;
  }

  feed(payload: Uint8Array): Disposition {
    const decoded = decodeFrame(payload);
    if (decoded.kind === 'newer') throw new Error(`newer: ${decoded.reason}`);
    const outcomes: Outcome[] = [];
    const { machine, timestamp } = this;
    this.fed.push({ payload, timestamp });
    const disposition = machine.apply(machine.nextOffset, timestamp, decoded, (_command, outcome) => {
      outcomes.push(outcome);
    });
    this.outcomes = outcomes;
    return disposition;
  }
}

/** `author` is `node/incarnation`. */
export function frameOf(author: string, n: number, sent: readonly Sent[]): Uint8Array {
  const [node = '', incarnation = ''] = author.split('/');
  const commands = sent.map(({ command, attempt = 0, deadline = 0, id = '', caller = '' }) =>
    encodeCommand({ attempt, deadline, id, caller }, command),
  );
  return encodeFrame({ node, incarnation, n }, commands);
}

export function heartbeat(fields: Partial<Heartbeat> = {}): Heartbeat {
  return {
    type: 'heartbeat',
    cluster: CLUSTER,
    address: 'localhost:8000',
    pid: 7,
    version: '1.0.0',
    featureLevel: 1,
    isReady: true,
    revision: 0,
    lagMs: 0,
    keys: 0,
    bytes: 0,
    report: undefined,
    ...fields,
  };
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
