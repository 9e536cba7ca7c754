// The simulated clients: they write, read, give up, ask again on other nodes with the same id, and write down all they saw.

import type { ClientCommand } from '../../src/core/commands/command.ts';
import { ALWAYS } from '../../src/core/condition.ts';
import type { Entry } from '../../src/core/keyspace.ts';
import { isRemembered, type Outcome } from '../../src/core/outcome.ts';
import type { Consistency, ReadResult, WriteResult } from '../../src/node/requests.ts';
import type { SimulatedCluster, Slot } from './cluster.ts';
import { drawLedgerCommand, LEDGER_KEYS } from './ledger.ts';
import type { SimulatedProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { commandText, resultText } from './transcript.ts';

type Send = {
  readonly nodeId: string;
  readonly processName: string;
  readonly at: number;
  readonly timeoutMs: number;
};

export type WriteRecord = {
  readonly client: string;
  readonly command: ClientCommand;
  /** The client's id; undefined: the nodes made one for each send. */
  readonly id: string | undefined;
  readonly sends: Send[];
  /** What nodes answered; `processName` of the one that did. */
  readonly results: { readonly processName: string; readonly result: WriteResult }[];
  /** Simulated time at which the client made an end of it. */
  endedAt: number;
  isEnded: boolean;
  /** What the client was told of it that stands for ever. */
  told: Outcome | undefined;
};

type ReadRecord = {
  readonly client: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly value: Uint8Array | undefined;
  readonly key: string;
  readonly consistency: Consistency;
  /** The state read must not be older than this revision … */
  readonly from: number;
  /** … and not newer than this one, the node's when it answered. */
  readonly to: number;
  /** Revision of the entry; 0: none. */
  readonly seen: number;
};

export type History = {
  readonly writes: WriteRecord[];
  readonly reads: ReadRecord[];
  readonly pending: Map<SimulatedProcess, number>;
};

/** How many requests a process has taken and not answered yet. */
export function countPending({ pending }: History, process: SimulatedProcess, change: 1 | -1): void {
  pending.set(process, (pending.get(process) ?? 0) + change);
}

type ClientObserver = {
  onApplied(processName: string, command: ClientCommand, result: Extract<WriteResult, { kind: 'applied' }>): void;
  onRead(slot: Slot, consistency: Consistency, minRevision: number, entry: Entry | undefined): void;
};

const PLAIN_KEYS = ['a', 'b', 'c'];
const COUNTERS = ['n1', 'n2'];
/** Keys that only change by what a client does to one of them. */
export const SINGLE_KEYS = [...PLAIN_KEYS, ...COUNTERS];
/** Keys whose entries expire. */
export const TTL_KEYS = ['t1', 't2'];
/** Keys that fill the memory where entries are evicted, accounts not being among them. */
const FILLING_KEYS = ['f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8'];
/** Enough for what is refused until all nodes know it. */
const MAX_TRIES = 100;

export class SimulatedClient {
  readonly #name: string;
  readonly #cluster: SimulatedCluster;
  readonly #scheduler: Scheduler;
  readonly #history: History;
  readonly #observer: ClientObserver;
  /** Highest revision of which any client was told that it stands: what a linearizable read must see. */
  static #standing = new WeakMap<History, number>();
  #token = 0;
  #ids = 0;

  constructor(
    name: string,
    cluster: SimulatedCluster,
    scheduler: Scheduler,
    history: History,
    observer: ClientObserver,
  ) {
    this.#name = name;
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#history = history;
    this.#observer = observer;
  }

  async run(until: number): Promise<void> {
    while (this.#scheduler.now < until) {
      await this.#scheduler.wait(this.#scheduler.between(5, 150));
      await (this.#scheduler.random() < 0.6 ? this.#write() : this.#read());
    }
  }

  async #write(): Promise<void> {
    const hasId = this.#scheduler.random() < this.#cluster.swarm.clientId;
    const record: WriteRecord = {
      client: this.#name,
      command: this.#drawCommand(),
      id: hasId ? `${this.#name}-${++this.#ids}` : undefined,
      sends: [],
      results: [],
      endedAt: 0,
      isEnded: false,
      told: undefined,
    };
    this.#history.writes.push(record);
    for (let tries = 0; tries < MAX_TRIES && !record.isEnded; tries++) {
      const isDuplicated = hasId && this.#scheduler.random() < this.#cluster.swarm.duplicateRequest;
      const answers = [this.#send(record), ...(isDuplicated ? [this.#send(record)] : [])];
      for (const result of await Promise.all(answers)) this.#judge(record, result);
      record.endedAt = this.#scheduler.now;
      // Without an id of the client's own nobody may ask again.
      if (!hasId) record.isEnded = true;
      if (!record.isEnded) await this.#scheduler.wait(this.#scheduler.between(20, 600));
    }
  }

  #judge(record: WriteRecord, result: WriteResult | undefined): void {
    // `deadline` says that this attempt came too late, `restoring` that it came too early: with the client's id another may still be tried.
    if (result?.kind !== 'applied' || result.outcome.code === 'deadline' || result.outcome.code === 'restoring') return;
    record.isEnded = true;
    if (isRemembered(result.outcome.code)) record.told = result.outcome;
    this.#token = Math.max(this.#token, result.outcome.revision);
    const standing = SimulatedClient.#standing.get(this.#history) ?? 0;
    SimulatedClient.#standing.set(this.#history, Math.max(standing, result.outcome.revision));
  }

  async #read(): Promise<void> {
    const filling = this.#cluster.limits.eviction === 'none' ? [] : FILLING_KEYS;
    const key = this.#scheduler.pick([...PLAIN_KEYS, ...COUNTERS, ...TTL_KEYS, ...LEDGER_KEYS, ...filling]);
    const consistency = this.#scheduler.pick(['session', 'linearizable'] as const);
    const from = consistency === 'session' ? this.#token : (SimulatedClient.#standing.get(this.#history) ?? 0);
    const minRevision = consistency === 'session' ? this.#token : 0;
    const timeoutMs = this.#scheduler.pick([500, 3000]);
    const slot = this.#scheduler.pick(this.#cluster.slots);
    const request = { key: bytesOf(key), consistency, minRevision, timeoutMs };
    let to = 0;
    const startedAt = this.#scheduler.now;
    const result = await this.#exchange<ReadResult>(slot, timeoutMs, async () => {
      const answer = await slot.node.read(request);
      to = slot.node.revision();
      if (answer.kind === 'read') this.#observer.onRead(slot, consistency, minRevision, answer.entry);
      return answer;
    });
    if (result?.kind !== 'read') return;
    const seen = result.entry?.revision ?? 0;
    this.#token = Math.max(this.#token, to);
    this.#scheduler.tell(this.#name, () => `read ${key} (${consistency}) of ${slot.process.name}: revision ${seen}`);
    const [client, endedAt, value] = [this.#name, this.#scheduler.now, result.entry?.value];
    this.#history.reads.push({ client, startedAt, endedAt, value, key, consistency, from, to, seen });
  }

  async #send(record: WriteRecord): Promise<WriteResult | undefined> {
    const slot = this.#scheduler.pick(this.#cluster.slots);
    const timeoutMs = this.#scheduler.pick([300, 1500, 5000]);
    const processName = slot.process.name;
    const tell = (what: () => string) =>
      this.#scheduler.tell(this.#name, () => `${what()}: ${commandText(record.command)} ${record.id ?? ''}`);
    tell(() => `asks ${processName}`);
    record.sends.push({ nodeId: slot.nodeId, processName, at: this.#scheduler.now, timeoutMs });
    return this.#exchange<WriteResult>(slot, timeoutMs, async () => {
      const result = await slot.node.submit({ command: record.command, id: record.id, caller: '', timeoutMs });
      record.results.push({ processName, result });
      tell(() => `is answered by ${processName} with ${resultText(result)}`);
      if (result.kind === 'applied') this.#observer.onApplied(processName, record.command, result);
      return result;
    });
  }

  /** One request and its answer through a network that takes its time and loses answers; undefined: no answer came in time. */
  #exchange<T>(slot: Slot, timeoutMs: number, serve: () => Promise<T>): Promise<T | undefined> {
    const { process } = slot;
    const scheduler = this.#scheduler;
    const isLost = scheduler.random() < this.#cluster.swarm.lostAnswer;
    return new Promise((resolve) => {
      scheduler.after(timeoutMs + 500, () => resolve(undefined));
      scheduler.after(scheduler.between(0, 20), () =>
        process.deliver('request', () => {
          if (slot.process !== process) return;
          countPending(this.#history, process, 1);
          void serve().then((result) => {
            countPending(this.#history, process, -1);
            if (!isLost) scheduler.after(scheduler.between(0, 20), () => resolve(result));
          });
        }),
      );
    });
  }

  #drawCommand(): ClientCommand {
    const scheduler = this.#scheduler;
    const key = bytesOf(scheduler.pick(PLAIN_KEYS));
    const value = bytesOf(`${this.#name}/${this.#history.writes.length}`);
    switch (scheduler.between(0, 10)) {
      case 0:
        return { type: 'delete', key, condition: ALWAYS };
      case 1:
        return { type: 'put', key, value, contentType: 't', ttlMs: 0, condition: { match: 'none', noneMatch: 'any' } };
      case 2: {
        const ttlMs = scheduler.between(200, 6000);
        return {
          type: 'put',
          key: bytesOf(scheduler.pick(TTL_KEYS)),
          value,
          contentType: 't',
          ttlMs,
          condition: ALWAYS,
        };
      }
      case 3:
        return { type: 'touch', key: bytesOf(scheduler.pick(TTL_KEYS)), ttlMs: 3000, condition: ALWAYS };
      case 4:
        return { type: 'put', key, value, contentType: 't', ttlMs: 0, condition: ALWAYS };
      case 5:
      case 6:
        return this.#cluster.limits.eviction === 'none'
          ? drawLedgerCommand(scheduler, value)
          : this.#drawFilling(value);
      case 7:
      case 8:
        return this.#cluster.limits.eviction === 'lru' ? this.#drawFilling(value) : drawLedgerCommand(scheduler, value);
      default:
        return { type: 'increment', key: bytesOf(scheduler.pick(COUNTERS)), by: 1n, ttlMs: 0, condition: ALWAYS };
    }
  }

  #drawFilling(value: Uint8Array): ClientCommand {
    const key = bytesOf(this.#scheduler.pick(FILLING_KEYS));
    const ttlMs = this.#scheduler.pick([0, 1000, 100_000]);
    return { type: 'put', key, value, contentType: 't', ttlMs, condition: ALWAYS };
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
