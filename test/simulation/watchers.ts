// The simulated watchers: each follows a prefix, leaves and comes back to any node, reads slowly at times, and writes down all it was told.
import { EventEncoder, positionText, readPosition } from '../../src/http/events.ts';
import type { ChangeEvent, Position } from '../../src/node/history.ts';
import type { WatchResult, WatchSink } from '../../src/node/requests.ts';
import type { SimulatedCluster, Slot } from './cluster.ts';
import type { Scheduler } from './scheduler.ts';

/** What a watcher was told without a break that it knows of. */
export type Told = {
  readonly prefix: string;
  readonly from: Position;
  readonly events: string[];
  /** It was told that it has all up to here. */
  to: Position;
  /** Its watcher still follows. */
  isOpen: boolean;
};

const PREFIXES = ['', 'n', 't', 'a'];
const LOOK_MS = 100;

/** `chance` is drawn from, `scheduler` has the events. */
export function startWatchers(cluster: SimulatedCluster, scheduler: Scheduler, chance: Scheduler, told: Told[]): void {
  for (const prefix of PREFIXES) new SimulatedWatcher(prefix, cluster, scheduler, chance, told).connect();
}

class SimulatedWatcher {
  readonly #prefix: string;
  readonly #cluster: SimulatedCluster;
  readonly #scheduler: Scheduler;
  readonly #chance: Scheduler;
  readonly #all: Told[];
  readonly #encoder = new EventEncoder();
  #told: Told | undefined;
  /** Counts connections: what arrives of an earlier one is lost. */
  #connection = 0;

  constructor(prefix: string, cluster: SimulatedCluster, scheduler: Scheduler, chance: Scheduler, all: Told[]) {
    this.#prefix = prefix;
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#all = all;
  }

  connect(): void {
    const connection = ++this.#connection;
    const scheduler = this.#scheduler;
    const slot = this.#chance.pick(this.#cluster.slots);
    const { process } = slot;
    const isOver = () => connection !== this.#connection;
    const leave = () => {
      if (!isOver()) this.connect();
    };
    scheduler.after(this.#chance.between(0, 20), () =>
      process.deliver('request', () => {
        if (!isOver()) this.#open(slot, isOver, leave);
      }),
    );
    scheduler.after(this.#chance.between(300, 8000), leave);
    const look = () => {
      if (isOver()) return;
      if (slot.process === process && !process.isDead) scheduler.after(LOOK_MS, look);
      else leave();
    };
    scheduler.after(LOOK_MS, look);
  }

  #open(slot: Slot, isOver: () => boolean, leave: () => void): void {
    const scheduler = this.#scheduler;
    const { process } = slot;
    let arrivesAt = 0;
    // What is sent on one connection arrives in order, or not at all.
    const deliver = (receive: () => void) => {
      arrivesAt = Math.max(arrivesAt, scheduler.now + this.#chance.between(0, 20));
      scheduler.after(arrivesAt - scheduler.now, () => {
        if (!isOver()) receive();
      });
    };
    let result: WatchResult;
    const sink: WatchSink = {
      send: (events) => {
        if (isOver()) return false;
        for (const event of events) deliver(() => this.#hear(event));
        if (this.#chance.random() >= this.#cluster.swarm.slowWatcher) return true;
        scheduler.after(this.#chance.between(10, 4000), () =>
          process.deliver('request', () => {
            if (result.kind === 'watching') result.drained();
          }),
        );
        return false;
      },
      rest: (position) => {
        deliver(() => this.#has(position));
        return true;
      },
      end: (_, position) => {
        deliver(() => this.#has(position));
        deliver(leave);
      },
    };
    result = slot.node.watch({ prefix: Buffer.from(this.#prefix), since: this.#told?.to, sink });
    const { kind } = result;
    if (kind === 'watching') {
      const { from, close } = result;
      if (this.#told === undefined) deliver(() => this.#begin(from));
      const closeLater = () => {
        if (!isOver()) scheduler.after(LOOK_MS, closeLater);
        else process.deliver('request', close);
      };
      closeLater();
    } else {
      const revision = kind === 'gone' ? result.revision : undefined;
      deliver(() => {
        if (revision !== undefined) this.#begin({ revision, place: Number.POSITIVE_INFINITY });
        scheduler.after(this.#chance.between(20, 300), leave);
      });
    }
  }

  #begin(from: Position): void {
    if (this.#told !== undefined) this.#told.isOpen = false;
    this.#told = { prefix: this.#prefix, from, events: [], to: from, isOpen: true };
    this.#all.push(this.#told);
  }

  #hear(event: ChangeEvent): void {
    if (this.#told === undefined) return;
    const text = this.#encoder.encoded([event]).toString();
    const [, id = '', change, data = ''] = /^id: (.*)\nevent: (.*)\ndata: (.*)\n\n$/.exec(text) ?? [];
    const { key, value = '', expiresAt = '' } = JSON.parse(data) as Record<string, string>;
    this.#told.events.push([id, change, key, value, expiresAt].join(' '));
    this.#told.to = readPosition(id) ?? this.#told.to;
    this.#scheduler.note(id);
  }

  #has(position: Position): void {
    if (this.#told !== undefined) this.#told.to = readPosition(positionText(position)) ?? position;
  }
}
