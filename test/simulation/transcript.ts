// The words of a transcript: what is in a frame, what a command does, and what was answered, each in a few of them.
import { decodeFrame } from '../../src/core/codec.ts';
import type { Command } from '../../src/core/commands/command.ts';
import type { WriteResult } from '../../src/node/requests.ts';

/** One line for what happened at `now`, in ms since the run began. */
export function lineOf(now: number, who: string, what: string): string {
  return `${now.toFixed(1).padStart(8)}  ${who.padEnd(9)} ${what}`;
}

export function frameText(payload: Uint8Array): string {
  const decoded = decodeFrame(payload);
  if (decoded.kind !== 'frame') return decoded.kind;
  const { n, commands } = decoded.frame;
  return `frame ${n} (${commands.map(({ id, command }) => [commandText(command), id].join(' ').trim()).join(', ')})`;
}

export function commandText(command: Command): string {
  const key = 'key' in command ? [Buffer.from(command.key).toString('latin1')] : [];
  const prefix = 'prefix' in command ? [`${Buffer.from(command.prefix).toString('latin1')}*`] : [];
  return [command.type, ...key, ...prefix].join(' ');
}

export function resultText(result: WriteResult | undefined): string {
  if (result === undefined) return 'no answer';
  if (result.kind === 'timed-out') return `time up, ${result.isUnknown ? 'unknown' : 'not applied'}`;
  if (result.kind === 'refused') return `${result.reason}, ${result.isUnknown ? 'unknown' : 'not applied'}`;
  const { code, revision, detail, isRepeat } = result.outcome;
  return `${code} at revision ${revision}${detail === 0n ? '' : `, ${detail}`}${isRepeat ? ', a repeat' : ''}`;
}
