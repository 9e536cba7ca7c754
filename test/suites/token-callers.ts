// Who asks in the tests of authorisation: tokens with scopes inside and outside of `in/` and of the cache `inside`, and those that are none.
import { createHash } from 'node:crypto';
import { parseScope } from '../../src/http/scopes.ts';
import type { NodeApi } from '../../src/node/node-api.ts';

/** Each with the scopes of its token; `undefined`: it has no token, or none that is let in. */
const CALLERS = {
  nobody: undefined,
  stranger: undefined,
  revoked: undefined,
  reader: ['read:in/', 'read-cache:inside', 'read-cache:store:inside'],
  writer: ['write:in/', 'write-cache:inside', 'write-cache:store:inside'],
  both: [
    'read:in/',
    'write:in/',
    ...['inside', 'store:inside'].flatMap((name) => [`read-cache:${name}`, `write-cache:${name}`]),
  ],
  elsewhere: ['read:elsewhere/', 'write:elsewhere/', 'read:in/side', 'read-cache:insid', 'write-cache:inside/'],
  everywhere: ['read:', 'write:', 'read-cache:', 'write-cache:'],
  admin: ['admin'],
  ownAdmin: undefined,
} as const satisfies Readonly<Record<string, readonly string[] | undefined>>;

export type CallerName = keyof typeof CALLERS;
export const CALLER_NAMES = Object.keys(CALLERS) as readonly CallerName[];

/** Those whose token is let in at all. */
export const KNOWN = CALLER_NAMES.filter((name) => CALLERS[name] !== undefined || name === 'ownAdmin');

export function tokenOf(name: CallerName): string {
  return `chorus_${name}-secret`;
}

export function headersOf(name: CallerName): Record<string, string> {
  return name === 'nobody' ? {} : { authorization: `Bearer ${tokenOf(name)}` };
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** As the command line sends it. */
export function creation(name: string, token: string, scopes: readonly string[]): string {
  return JSON.stringify({ name, sha256: digestOf(token).toString('hex'), scopes });
}

/** Creates the tokens of all, straight at the node, and revokes the one that is to be revoked. */
export async function createCallers(node: NodeApi): Promise<void> {
  for (const name of CALLER_NAMES) {
    const scopes = name === 'revoked' ? ['admin'] : CALLERS[name];
    if (scopes !== undefined)
      await submit(node, { type: 'create-token', name, digest: digestOf(tokenOf(name)), scopes: scopes.map(scopeIn) });
  }
  await submit(node, { type: 'revoke-token', name: 'revoked' });
}

async function submit(node: NodeApi, command: Parameters<NodeApi['submit']>[0]['command']): Promise<void> {
  const result = await node.submit({ command, id: undefined, caller: '', timeoutMs: 30_000 });
  if (result.kind !== 'applied' || !['created', 'deleted'].includes(result.outcome.code)) {
    throw new Error(
      `${command.type} was answered ${JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`,
    );
  }
}

function scopeIn(text: string) {
  const scope = parseScope(text);
  if (typeof scope === 'string') throw new Error(scope);
  return scope;
}
