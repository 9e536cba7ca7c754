// What must hold of feature levels: nothing is appended that a live node does not know, and who knows less goes on no further.
import type { Frame } from '../../src/core/codec.ts';
import { featureLevelOf } from '../../src/core/commands/table.ts';
import type { State } from '../../src/core/state.ts';

export class LevelFacts {
  readonly faults: string[] = [];
  readonly #state: State;
  #level = 1;
  /** The levels that the cluster rose to, each at the revision at its frame's end. */
  readonly #raises: { readonly level: number; readonly revision: number }[] = [];

  constructor(state: State) {
    this.#state = state;
  }

  /** After each applied frame. */
  note({ node, commands }: Frame): void {
    for (const { command } of commands) {
      const needed = featureLevelOf(command.type);
      if (needed > this.#level)
        this.faults.push(`a ${command.type} needs level ${needed}, and was appended at ${this.#level}`);
      if (command.type === 'heartbeat') this.#noteHeartbeat(node, command);
    }
    const { limits, members, revision } = this.#state;
    const level = limits?.featureLevel ?? 1;
    if (level === this.#level) return;
    for (const { node: member, latest } of members.live()) {
      if ((latest?.featureLevel ?? 0) < level)
        this.faults.push(`the level rose to ${level}, which ${member} does not know`);
    }
    this.#level = level;
    this.#raises.push({ level, revision });
  }

  #noteHeartbeat(
    node: string,
    { featureLevel, revision }: { readonly featureLevel: number; readonly revision: number },
  ): void {
    const beyond = this.#raises.find((raise) => raise.level > featureLevel && raise.revision < revision);
    if (beyond !== undefined)
      this.faults.push(`${node} knows level ${featureLevel}, and applied what came at level ${beyond.level}`);
  }
}
