// What nodes write for the cluster's sake: no id, no caller, no deadline; and the way of such commands into the log.
import { encodeCommand } from '../core/codec.ts';
import type { Command } from '../core/commands/command.ts';
import type { Committer } from './committer.ts';
import type { Positions, Reached } from './positions.ts';

export type ChoreParts = {
  readonly committer: Committer;
  /** What is applied here: the next offset. */
  readonly offsets: Positions;
};

export function encodeChore(command: Command): Uint8Array {
  return encodeCommand({ attempt: 0, id: '', caller: '', deadline: 0 }, command);
}

/** Appends the commands behind those of clients; resolves when they are applied here, at the latest at `deadlineAt` (monotonic ms). */
export function writeChores(parts: ChoreParts, commands: readonly Command[], deadlineAt: number): Promise<Reached> {
  return parts.offsets.reachTold(parts.committer.addChores(commands.map(encodeChore), deadlineAt), deadlineAt);
}
