// Scopes as people write them: `admin`, `read:users/`, `write:users/`, `read-cache:cities`, `write-cache:cities`; an empty end is all.
import { ACCESS_LIMITS } from '../base/limits.ts';
import { hintOf } from '../base/nearest.ts';
import { SCOPE_KINDS, type Scope } from '../core/access/tokens.ts';

/** The scope that a text says, or a sentence on why it says none. */
export function parseScope(text: string): Scope | string {
  const [, name = '', over] = /^([^:]*)(?::(.*))?$/su.exec(text) ?? [];
  const kind = SCOPE_KINDS.find((known) => known === name);
  if (kind === undefined) {
    return `${JSON.stringify(name.slice(0, 64))} is no scope${hintOf(name, SCOPE_KINDS)}: ${SCOPE_KINDS.join(', ')}.`;
  }
  if (kind === 'admin')
    return over === undefined ? { kind, over: new Uint8Array(0) } : 'admin is over everything: it takes no colon.';
  if (over === undefined) return `${kind} needs a colon and what it is over; "${kind}:" is over all.`;
  const bytes = Buffer.from(over);
  if (bytes.length > ACCESS_LIMITS.maxScopeBytes)
    return `A scope is over at most ${ACCESS_LIMITS.maxScopeBytes} bytes.`;
  return { kind, over: bytes };
}

export function scopeText({ kind, over }: Scope): string {
  return kind === 'admin' ? kind : `${kind}:${Buffer.from(over).toString('utf8')}`;
}
