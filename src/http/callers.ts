// Who asks, and what the scopes of his token allow. What is not allowed is forbidden.
import { beginsWith } from '../base/bytes.ts';
import type { ScopeKind, Token } from '../core/access/tokens.ts';
import type { ClientCommand, Operation } from '../core/commands/command.ts';
import { Problem } from './problems.ts';

const REALM = 'Bearer realm="chorus"';

export class Caller {
  /** What ids are scoped to, and what the log says of what it does; '' without authentication. */
  readonly name: string;
  readonly isAdmin: boolean;
  readonly #scopes: Token['scopes'];

  constructor(name: string, scopes: Token['scopes']) {
    this.name = name;
    this.isAdmin = scopes.some(({ kind }) => kind === 'admin');
    this.#scopes = scopes;
  }

  /** `name`: a key, what all the keys meant begin with, or a cache's name. */
  may(kind: Exclude<ScopeKind, 'admin'>, name: Uint8Array): boolean {
    if (this.isAdmin) return true;
    const isOfCache = kind === 'read-cache' || kind === 'write-cache';
    for (const scope of this.#scopes) {
      if (scope.kind !== kind || !beginsWith(name, scope.over)) continue;
      // A cache is meant by all of its name.
      if (!isOfCache || scope.over.length === 0 || scope.over.length === name.length) return true;
    }
    return false;
  }
}

/** Without authentication. */
export const EVERYBODY = new Caller('', [{ kind: 'admin', over: new Uint8Array(0) }]);

/** Throws 403 unless the caller may do this to the key, or to all keys that begin so. `place`: of it in the request. */
export function requireKey(caller: Caller, kind: 'read' | 'write', key: Uint8Array, place = 'key'): void {
  if (!caller.may(kind, key)) throw forbidden(`No scope of this token lets it ${kind} here.`, place);
}

export function requireCache(caller: Caller, kind: 'read-cache' | 'write-cache', cache: string): void {
  if (!caller.may(kind, Buffer.from(cache)))
    throw forbidden(`This takes a token with the scope ${kind} for it.`, 'cache');
}

export function requireAdmin(caller: Caller): void {
  if (!caller.isAdmin) throw forbidden('This takes a token with the scope admin.', undefined);
}

/** Throws 403 unless the caller may do all that the command may do, whichever branch of it is taken. */
export function requireCommand(caller: Caller, command: ClientCommand): void {
  if (caller.isAdmin) return;
  switch (command.type) {
    case 'delete-prefix':
      requireKey(caller, 'write', command.prefix, 'prefix');
      break;
    case 'transaction':
      for (const [at, { key }] of command.compares.entries()) requireKey(caller, 'read', key, `if[${at}]`);
      for (const [at, operation] of command.thenDo.entries()) requireOperation(caller, operation, `then[${at}]`);
      for (const [at, operation] of command.elseDo.entries()) requireOperation(caller, operation, `else[${at}]`);
      break;
    default:
      requireOperation(caller, command);
  }
}

export function requireOperation(caller: Caller, operation: Operation, place?: string): void {
  if (operation.type !== 'get') requireKey(caller, 'write', operation.key, place);
  if (tellsOfKey(operation)) requireKey(caller, 'read', operation.key, place);
}

/** `what`: who does not say who he is, or says it wrongly. */
export function unauthenticated(what: 'missing' | 'invalid'): Problem {
  const detail =
    what === 'missing' ? 'Send a token: Authorization: Bearer ….' : 'The token is not known here, or was revoked.';
  const challenge = what === 'missing' ? REALM : `${REALM}, error="invalid_token"`;
  return new Problem('unauthenticated', { field: 'Authorization', detail, headers: ['WWW-Authenticate', challenge] });
}

function forbidden(detail: string, field: string | undefined): Problem {
  const headers = ['WWW-Authenticate', `${REALM}, error="insufficient_scope"`];
  return new Problem('forbidden', { detail, headers, ...(field === undefined ? {} : { field }) });
}

/** Its answer says what is there: the value, or how it fits a condition. */
function tellsOfKey({ type, condition }: Operation): boolean {
  return type === 'get' || type === 'increment' || condition.match !== 'none' || condition.noneMatch !== 'none';
}
