// A rolling upgrade: all nodes begin as an older program, and one after another is started again as this one.
import { FEATURE_LEVEL } from '../../src/core/commands/table.ts';
import { newerCluster } from '../../src/node/fatal.ts';
import type { Scheduler } from './scheduler.ts';

/** By nodeId: what the program knows that is run there. */
export class Upgrade {
  readonly #levels = new Map<string, number>();
  readonly #olderLevel: number;
  readonly #chance: Scheduler;

  /** `olderLevel`: what the older program knows; FEATURE_LEVEL: there is none. */
  constructor(olderLevel: number, chance: Scheduler) {
    this.#olderLevel = olderLevel;
    this.#chance = chance;
  }

  levelOf(nodeId: string): number {
    return this.#levels.get(nodeId) ?? this.#olderLevel;
  }

  isOver(nodeId: string): boolean {
    return this.levelOf(nodeId) === FEATURE_LEVEL;
  }

  /** From its next start on it is this program. */
  upgrade(nodeId: string): void {
    this.#levels.set(nodeId, FEATURE_LEVEL);
  }

  /** Ms from the beginning; undefined: nothing is to be upgraded. */
  drawMoment(nodeId: string): number | undefined {
    return this.isOver(nodeId) ? undefined : this.#chance.between(500, 14_000);
  }

  /** The others took it for dead, and went on to what it does not know: its operator starts the newer program. */
  isOutdated(nodeId: string, { message }: Error): boolean {
    return !this.isOver(nodeId) && message === newerCluster().message;
  }
}
