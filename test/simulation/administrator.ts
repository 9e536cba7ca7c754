// The simulated administrator: creates and revokes tokens at any node, asks again by the same id, and looks whom each node lets in.
import type { TokenCommand } from '../../src/core/access/token-command.ts';
import type { WriteResult } from '../../src/node/requests.ts';
import { countPending, type History } from './clients.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { Oracles } from './oracles.ts';
import type { Scheduler } from './scheduler.ts';
import { type Act, type Administration, textOf } from './token-facts.ts';

const NAMES = ['web', 'job', 'boss'];
const LOOK_MS = 70;
const MAX_TRIES = 5;

/** There is one in each fifth run: in the others nothing is drawn otherwise than without. */
export function isAdministered(seed: number): boolean {
  return seed % 5 === 2;
}

export class Administrator {
  readonly done: Administration = { acts: [], looks: [] };
  readonly #cluster: SimulatedCluster;
  readonly #scheduler: Scheduler;
  readonly #chance: Scheduler;
  readonly #history: History;
  readonly #oracles: Oracles;

  /** `chance` is drawn from, `scheduler` has the events. */
  constructor(cluster: SimulatedCluster, scheduler: Scheduler, chance: Scheduler, history: History, oracles: Oracles) {
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#history = history;
    this.#oracles = oracles;
  }

  /** Resolves when nothing of it is under way. */
  async run(until: number): Promise<void> {
    this.#look(until);
    while (this.#scheduler.now < until) {
      await this.#scheduler.wait(this.#chance.between(50, 700));
      await this.#act();
    }
  }

  async #act(): Promise<void> {
    const number = this.done.acts.length + 1;
    const command = this.#drawCommand(number % 256);
    const act: Act = { id: `act-${number}`, sends: [], results: [], isEnded: false };
    this.done.acts.push(act);
    for (let tries = 0; tries < MAX_TRIES && !act.isEnded; tries++) {
      const result = await this.#send(command, act);
      if (result?.kind === 'applied' && result.outcome.code !== 'deadline') act.isEnded = true;
      else await this.#scheduler.wait(this.#chance.between(20, 600));
    }
    act.isEnded = true;
  }

  #drawCommand(number: number): TokenCommand {
    const name = this.#chance.pick(NAMES);
    if (this.#chance.random() < 0.5) return { type: 'revoke-token', name };
    const digest = new Uint8Array(32).fill(number);
    return { type: 'create-token', name, digest, scopes: [{ kind: 'read', over: Buffer.from(String(number)) }] };
  }

  /** Undefined: no answer came in time. */
  #send(command: TokenCommand, act: Act): Promise<WriteResult | undefined> {
    const slot = this.#chance.pick(this.#cluster.slots);
    const timeoutMs = this.#chance.pick([300, 1500, 5000]);
    const { process } = slot;
    act.sends.push({ nodeId: slot.nodeId, processName: process.name, at: this.#scheduler.now, timeoutMs });
    return new Promise((resolve) => {
      this.#scheduler.after(timeoutMs + 500, () => resolve(undefined));
      process.deliver('request', () => {
        if (slot.process !== process) return;
        countPending(this.#history, process, 1);
        void slot.node.submit({ command, id: act.id, caller: 'admin', timeoutMs }).then((result) => {
          countPending(this.#history, process, -1);
          act.results.push({ processName: process.name, result });
          if (result.kind === 'applied') this.#oracles.onApplied(process.name, command, result);
          resolve(result);
        });
      });
    });
  }

  /** As the edge does: whoever may read here now is let in by what this node knows now. */
  #look(until: number): void {
    for (const { process, node } of this.#cluster.slots) {
      if (!process.isRunning || node.refusal('eventual-read') !== undefined) continue;
      const text = textOf([...node.tokens().values()].map(({ name, digest }) => [name, digest[0] ?? 0]));
      this.done.looks.push({ processName: process.name, revision: node.revision(), text });
    }
    if (this.#scheduler.now < until) this.#scheduler.after(LOOK_MS, () => this.#look(until));
  }
}
