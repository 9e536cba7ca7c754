// The door: finds out by the token of a request who asks. Tokens are known by their SHA-256 alone, those of the log and one of this node's own.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ACCESS_LIMITS } from '../base/limits.ts';
import type { Token, Tokens } from '../core/access/tokens.ts';
import type { NodeApi } from '../node/node-api.ts';
import { Caller, EVERYBODY, requireAdmin, unauthenticated } from './callers.ts';
import type { Auth } from './hosts.ts';
import { refusalProblem } from './refusals.ts';
import { isOpenPath } from './routes.ts';
import { pathOf } from './targets.ts';

/** RFC 6750 §2.1. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
/** No token of the log can have this name. */
const OWN_ADMIN = '*admin';
const NO_DIGEST = Buffer.alloc(32);

export type AccessOptions = {
  readonly node: Pick<NodeApi, 'tokens' | 'refusal'>;
  readonly auth: Auth;
  /** SHA-256 of a token that is an administrator's at this node, whatever the log says; undefined: there is none. */
  readonly adminDigest?: Uint8Array | undefined;
};

export class Access {
  readonly #options: AccessOptions;
  readonly #ownAdmin = new Caller(OWN_ADMIN, [{ kind: 'admin', over: new Uint8Array(0) }]);
  /** By which the rest was worked out. */
  #tokens: Tokens | undefined;
  #byDigest = new Map<string, Token>();
  /** By the header as it came: what was let in need not be hashed again. */
  readonly #known = new Map<string, Caller>();

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Throws 401, but for what everybody may ask. */
  admit(request: IncomingMessage, target: string): void {
    if (this.#options.auth === 'tokens' && !isOpenPath(pathOf(target))) this.callerOf(request);
  }

  /**
   * By the tokens of this moment: to be asked again after a wait. Throws 401, or 503 where this node has not caught up and the token may
   * be one that it has yet to hear of.
   */
  callerOf({ headers: { authorization } }: IncomingMessage): Caller {
    const { auth, node } = this.#options;
    if (auth === 'none') return EVERYBODY;
    if (authorization === undefined) throw unauthenticated('missing');
    const tokens = node.tokens();
    if (tokens !== this.#tokens) this.#learn(tokens);
    return this.#known.get(authorization) ?? this.#identify(authorization);
  }

  /** Throws unless an administrator asks. One of the log's may have been revoked where this node has yet to catch up. */
  requireAdmin(request: IncomingMessage): void {
    const caller = this.callerOf(request);
    requireAdmin(caller);
    if (caller !== EVERYBODY && caller !== this.#ownAdmin) this.#requireCaughtUp();
  }

  #identify(authorization: string): Caller {
    const [, token] = BEARER.exec(authorization) ?? [];
    if (token === undefined) throw unauthenticated('invalid');
    const caller = this.#callerBy(createHash('sha256').update(token).digest());
    if (caller === undefined) {
      this.#requireCaughtUp();
      throw unauthenticated('invalid');
    }
    // Only what was let in comes in here: there are not many ways to write a header.
    if (this.#known.size >= ACCESS_LIMITS.maxKnownHeaders) this.#known.clear();
    this.#known.set(authorization, caller);
    return caller;
  }

  /** The place in the table says nothing of the token; what is left is compared in constant time. */
  #callerBy(digest: Buffer): Caller | undefined {
    const isOwnAdmin = timingSafeEqual(digest, this.#options.adminDigest ?? NO_DIGEST);
    const token = this.#byDigest.get(placeOf(digest));
    const isKnown = timingSafeEqual(digest, token?.digest ?? NO_DIGEST);
    if (isOwnAdmin && this.#options.adminDigest !== undefined) return this.#ownAdmin;
    return isKnown && token !== undefined ? new Caller(token.name, token.scopes) : undefined;
  }

  #learn(tokens: Tokens): void {
    this.#tokens = tokens;
    this.#known.clear();
    this.#byDigest = new Map([...tokens.values()].map((token) => [placeOf(token.digest), token]));
  }

  #requireCaughtUp(): void {
    const refusal = this.#options.node.refusal('eventual-read');
    if (refusal !== undefined) throw refusalProblem(refusal);
  }
}

/** Half of a hash of 256 bits: two tokens never share it. */
function placeOf(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, 16).toString('latin1');
}
