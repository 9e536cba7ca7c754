// The simulated operators: they send a backup to any node, again and again until the cluster is open, and take backups while it runs.
import type { RestoreResult } from '../../src/node/snapshot-requests.ts';
import { gathered } from './backup-memory.ts';
import type { Backup } from './backup-source.ts';
import { countPending, type History } from './clients.ts';
import type { SimulatedCluster, Slot } from './cluster.ts';
import type { SimulatedProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';

/** What became of one backup that was sent. */
export type Sending = {
  readonly backup: Backup;
  /** How often it was sent. */
  sent: number;
  /** `revision`: the node's when it answered. */
  readonly answers: { readonly processName: string; readonly result: RestoreResult; readonly revision: number }[];
  isEnded: boolean;
};

/** A backup as it was taken from a node that said it is of this revision. */
export type TakenBackup = { readonly processName: string; readonly revision: number; readonly file: Uint8Array };

/** What befalls the bytes on their way: `broken` ends the connection, `cut` and `flipped` come as if they were whole. */
type Journey = 'safe' | 'broken' | 'cut' | 'flipped';

const ANSWER_MS = 9000;
const PIECES = 3;

export class Operator {
  readonly sendings: Sending[] = [];
  readonly taken: TakenBackup[] = [];
  readonly #cluster: SimulatedCluster;
  readonly #scheduler: Scheduler;
  readonly #chance: Scheduler;
  readonly #history: History;
  readonly #onViolation: (what: string) => void;
  /** Until then what it sends is spoilt or sent twice at times. */
  #faultyUntil = 0;

  /** `chance` is drawn from, `scheduler` has the events. */
  constructor(
    cluster: SimulatedCluster,
    scheduler: Scheduler,
    chance: Scheduler,
    history: History,
    onViolation: (what: string) => void,
  ) {
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#history = history;
    this.#onViolation = onViolation;
  }

  /** Sends the backup after `delayMs` until it is restored, or cannot be any more; then takes backups until `until`. */
  async run(backup: Backup, delayMs: number, until: number): Promise<void> {
    const sending: Sending = { backup, sent: 0, answers: [], isEnded: false };
    this.sendings.push(sending);
    this.#faultyUntil = until;
    await this.#scheduler.wait(delayMs);
    while (!sending.isEnded) {
      const isDoubled = this.#isFaulty(0.3);
      const answers = [this.#send(sending), ...(isDoubled ? [this.#send(sending)] : [])];
      for (const result of await Promise.all(answers)) if (isFinal(result)) sending.isEnded = true;
      if (!sending.isEnded) await this.#scheduler.wait(this.#chance.between(10, 300));
    }
    const everyMs = this.#chance.pick([0, 0, 2500]);
    while (everyMs > 0 && this.#scheduler.now < until) {
      await this.#scheduler.wait(everyMs * (0.2 + 1.6 * this.#chance.random()));
      await this.#take();
    }
  }

  /** Undefined: no answer came in time, or none that stands. */
  #send(sending: Sending): Promise<RestoreResult | undefined> {
    const { backup, answers } = sending;
    const journey = this.#drawJourney();
    const isAnswerLost = this.#isFaulty(0.15);
    sending.sent++;
    return this.#exchange((slot, process) => {
      this.#scheduler.tell('operator', () => `sends ${backup.name} to ${process.name}, ${journey}`);
      return slot.node.backups.restore(this.#journeyOf(process, backup.file, journey)).then(
        (result) => {
          this.#scheduler.tell('operator', () => `is answered by ${process.name} with ${textOf(result)}`);
          answers.push({ processName: process.name, result, revision: slot.node.revision() });
          const isSpoilt = journey === 'cut' || journey === 'flipped';
          if (isSpoilt ? result.kind === 'restored' : result.kind === 'unusable')
            this.#onViolation(`${process.name} found a backup ${textOf(result)} that was ${journey}`);
          return isAnswerLost || isSpoilt ? undefined : result;
        },
        (error: unknown) => {
          if (journey !== 'broken') throw error;
          answers.push({ processName: process.name, result: BROKEN_OFF, revision: slot.node.revision() });
          return undefined;
        },
      );
    });
  }

  async #take(): Promise<void> {
    const timeoutMs = this.#chance.pick([2000, 8000]);
    await this.#exchange(async (slot, process) => {
      const made = await slot.node.backups.make(timeoutMs);
      this.#scheduler.tell('operator', () => `asked ${process.name} for a backup: ${made.kind}`);
      if (made.kind !== 'made') return;
      const file = await gathered(made.bytes);
      this.taken.push({ processName: process.name, revision: made.revision, file });
    });
  }

  /** What fails though its process lives is a violation. */
  #exchange<T>(serve: (slot: Slot, process: SimulatedProcess) => Promise<T>): Promise<T | undefined> {
    const slot = this.#chance.pick(this.#cluster.slots);
    const { process } = slot;
    return new Promise((resolve) => {
      this.#scheduler.after(ANSWER_MS, () => resolve(undefined));
      process.deliver('request', () => {
        if (slot.process !== process) return;
        countPending(this.#history, process, 1);
        serve(slot, process)
          .then(resolve, (error: unknown) => {
            if (!process.isDead) this.#onViolation(`${process.name} failed an operator: ${error}`);
            resolve(undefined);
          })
          .finally(() => countPending(this.#history, process, -1));
      });
    });
  }

  /** The pieces of the file as they come in at the process. */
  async *#journeyOf(process: SimulatedProcess, file: Uint8Array, journey: Journey): AsyncGenerator<Uint8Array> {
    const bytes = Uint8Array.from(journey === 'cut' ? file.subarray(0, this.#place(file)) : file);
    const place = this.#place(file);
    if (journey === 'flipped') bytes[place] = (bytes[place] ?? 0) ^ (1 << this.#chance.between(0, 7));
    const length = Math.ceil(bytes.length / PIECES);
    for (let at = 0; at < bytes.length; at += length) {
      const delayMs = this.#chance.between(0, 30);
      await new Promise<void>((resolve) => {
        this.#scheduler.after(delayMs, () => process.deliver('request', resolve));
      });
      if (journey === 'broken' && at > 0) throw new Error('the connection broke');
      yield bytes.subarray(at, at + length);
    }
  }

  #drawJourney(): Journey {
    return this.#isFaulty(0.4) ? this.#chance.pick(['broken', 'cut', 'flipped']) : 'safe';
  }

  #place({ length }: Uint8Array): number {
    return this.#chance.between(0, length - 1);
  }

  #isFaulty(share: number): boolean {
    return this.#chance.random() < share && this.#scheduler.now < this.#faultyUntil;
  }
}

const BROKEN_OFF: RestoreResult = { kind: 'unusable', detail: 'the connection broke' };

/** After it nothing is to be sent again. */
function isFinal(result: RestoreResult | undefined): boolean {
  if (result?.kind === 'refused') return result.reason === 'not-empty' || result.reason === 'memory-full';
  return result?.kind === 'restored';
}

function textOf(result: RestoreResult): string {
  return result.kind === 'refused' ? result.reason : result.kind;
}
