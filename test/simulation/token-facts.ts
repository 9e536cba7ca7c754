// The tokens as the log's words make them, kept beside the machine that applies them: by name, with the number that stands in the digest.
import type { Command } from '../../src/core/commands/command.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { WriteRecord } from './clients.ts';

/** What a node knew of tokens at a revision. */
export type TokenLook = { readonly processName: string; readonly revision: number; readonly text: string };

/** One command of an administrator, as a client's write is kept. */
export type Act = Pick<WriteRecord, 'id' | 'sends' | 'results' | 'isEnded'>;

/** What an administrator did, and whom the nodes would have let in meanwhile. */
export type Administration = { readonly acts: Act[]; readonly looks: TokenLook[] };

export class TokenFacts {
  readonly faults: string[] = [];
  readonly #tokens = new Map<string, number>();
  readonly #states: { readonly from: number; readonly text: string }[] = [{ from: 0, text: '' }];

  /** To be called for each applied command; `revision` is the state's. */
  note(command: Command, { code, isRepeat }: Outcome, revision: number): void {
    if (isRepeat) return;
    if (command.type === 'create-token' && code === 'created') {
      if (this.#tokens.has(command.name)) this.faults.push(`the token ${command.name} was created twice`);
      this.#tokens.set(command.name, command.digest[0] ?? 0);
    } else if (command.type === 'revoke-token' && code === 'deleted') {
      if (!this.#tokens.delete(command.name)) this.faults.push(`${command.name} was revoked, and was no token`);
    } else return;
    this.#states.push({ from: revision, text: textOf([...this.#tokens]) });
  }

  /** All tokens at a revision, as text. */
  at(revision: number): string {
    return this.#states.findLast(({ from }) => from <= revision)?.text ?? '';
  }
}

export function textOf(tokens: readonly (readonly [name: string, number: number])[]): string {
  return tokens.map(([name, number]) => `${name}:${number}`).join(' ');
}
