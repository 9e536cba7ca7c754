// The tokens that the cluster knows: a name, the SHA-256 of the token and its scopes each. The tokens themselves no node keeps.
//
//   tokens = count:varint token{count}                     in the order of their creation
//   token  = claims createdAt:varint
//   claims = name:text8 digest:u8{32} count:u8 scope{count}
//   scope  = kind:u8 over:bytes16                          its place in SCOPE_KINDS
import { type ByteReader, type ByteWriter, Malformed } from '../../base/bytes.ts';
import type { Hasher } from '../../base/hash.ts';
import { ACCESS_LIMITS } from '../../base/limits.ts';

/** `read` and `write` are over keys by their beginning, the two of caches over one by its name, `admin` over everything. Append only. */
export const SCOPE_KINDS = ['admin', 'read', 'write', 'read-cache', 'write-cache'] as const;
export type ScopeKind = (typeof SCOPE_KINDS)[number];

/** `over`: what keys begin with, or the cache's name; empty: all of them. */
export type Scope = { readonly kind: ScopeKind; readonly over: Uint8Array };

export type Token = {
  readonly name: string;
  /** SHA-256. */
  readonly digest: Uint8Array;
  readonly scopes: readonly Scope[];
  /** Log time; ms. */
  readonly createdAt: number;
};

/** By name. It is never changed, only replaced: whoever sees the same table again sees the same tokens. */
export type Tokens = ReadonlyMap<string, Token>;

export const NO_TOKENS: Tokens = new Map();
const DIGEST_BYTES = 32;
/** What ids are scoped to and logs say: visible, and never a line feed. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isTokenName(text: string): boolean {
  return NAME.test(text);
}

/** Nodes that do not know of tokens yet have the same digest while there are none. */
export function hashTokens(hasher: Hasher, tokens: Tokens): void {
  for (const { name, digest, scopes, createdAt } of tokens.values()) {
    hasher.text(name).bytes(digest).number(createdAt).number(scopes.length);
    for (const { kind, over } of scopes) hasher.text(kind).bytes(over);
  }
}

export function writeTokens(writer: ByteWriter, tokens: Tokens): void {
  writer.varint(tokens.size);
  for (const token of tokens.values()) {
    writeClaims(writer, token);
    writer.varint(token.createdAt);
  }
}

export function readTokens(reader: ByteReader): Tokens {
  const tokens = new Map<string, Token>();
  for (let count = reader.varint(); count > 0; count--) {
    const token = { ...readClaims(reader), createdAt: reader.varint() };
    tokens.set(token.name, token);
  }
  return tokens;
}

/** What a token is said to be when it is made. */
export type Claims = Omit<Token, 'createdAt'>;

export function writeClaims(writer: ByteWriter, { name, digest, scopes }: Claims): void {
  writer.text8(name);
  writer.raw(digest);
  writer.u8(scopes.length);
  for (const { kind, over } of scopes) {
    writer.u8(SCOPE_KINDS.indexOf(kind));
    writer.bytes16(over);
  }
}

/** The bytes are copies: a token outlives its frame. */
export function readClaims(reader: ByteReader): Claims {
  const name = reader.text8();
  if (!isTokenName(name)) throw new Malformed('a token has no such name');
  const digest = reader.raw(DIGEST_BYTES).slice();
  const scopes: Scope[] = [];
  for (let count = reader.u8(); count > 0; count--) {
    const kind = SCOPE_KINDS[reader.u8()];
    const over = Uint8Array.from(reader.bytes16());
    if (kind === undefined || over.length > ACCESS_LIMITS.maxScopeBytes) throw new Malformed('a scope is not known');
    scopes.push({ kind, over });
  }
  if (scopes.length > ACCESS_LIMITS.maxScopes) throw new Malformed('a token has too many scopes');
  return { name, digest, scopes };
}
