// Arbitrary commands for the property tests of core/: every kind, every field over the whole of its range.
import fc from 'fast-check';
import { EVICTIONS } from '../../../src/base/evictions.ts';
import { REQUEST_LIMITS, TRANSACTION_LIMITS } from '../../../src/base/limits.ts';
import { SCOPE_KINDS } from '../../../src/core/access/tokens.ts';
import { isRecordKey, recordKey } from '../../../src/core/cache-records.ts';
import type { CommandHead } from '../../../src/core/codec.ts';
import { SETTLEMENTS } from '../../../src/core/commands/cache-command.ts';
import type { Command, Operation } from '../../../src/core/commands/command.ts';
import { ALWAYS, type Condition, type RevisionSet } from '../../../src/core/condition.ts';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Whole numbers from 0 to 2^53 − 1, near the borders of a varint's bytes as often as not. */
export const naturals: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1000),
  fc.constantFrom(...[7, 14, 28, 32, 49, 53].flatMap((bits) => [2 ** bits - 1, ...(bits < 53 ? [2 ** bits] : [])])),
);

/** Text of any Latin-1 characters. */
export function latin1(minLength: number, maxLength: number): fc.Arbitrary<string> {
  const unit = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  return fc.string({ unit, minLength, maxLength });
}

/** Clients'. */
const keys: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    { weight: 9, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 20 }) },
    fc.uint8Array({ minLength: REQUEST_LIMITS.maxKeyBytes, maxLength: REQUEST_LIMITS.maxKeyBytes }),
  )
  .filter((key) => !isRecordKey(key));

/** Of an entry, or a record of a cache. */
const anyKeys = fc.oneof(
  keys,
  keys.map((key) => recordKey('E', 'cache', key)),
);

const revisionSets: fc.Arbitrary<RevisionSet> = fc.oneof(
  fc.constantFrom('none' as const, 'any' as const),
  fc.array(naturals, { minLength: 1, maxLength: REQUEST_LIMITS.maxConditionRevisions }),
);

export const conditions: fc.Arbitrary<Condition> = fc.oneof(
  fc.constant(ALWAYS),
  fc.record({ match: revisionSets, noneMatch: revisionSets }),
);

const ttlMs = fc.oneof(fc.constantFrom(0, 1, REQUEST_LIMITS.maxTtlMs), fc.nat(REQUEST_LIMITS.maxTtlMs));
const value = fc.uint8Array({ maxLength: 200 });
const text = latin1(0, 255);
const target = { key: keys, condition: conditions };
const digest = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const report = fc.option(fc.record({ offset: naturals, revision: naturals, digest }), { nil: undefined });

const operationKinds: { readonly [T in Operation['type']]: fc.Arbitrary<Extract<Operation, { type: T }>> } = {
  get: fc.record({ type: fc.constant('get'), ...target }),
  put: fc.record({ type: fc.constant('put'), ...target, value, contentType: text, ttlMs }),
  delete: fc.record({ type: fc.constant('delete'), ...target }),
  touch: fc.record({ type: fc.constant('touch'), ...target, ttlMs }),
  increment: fc.record({
    type: fc.constant('increment'),
    ...target,
    ttlMs,
    by: fc.oneof(fc.bigInt({ min: INT64_MIN, max: INT64_MAX }), fc.constantFrom(INT64_MIN, -1n, 0n, INT64_MAX)),
  }),
  append: fc.record({ type: fc.constant('append'), ...target, value, contentType: text, ttlMs }),
};
const { get: _, ...keyKinds } = operationKinds;
const operations = fc.array(fc.oneof(...Object.values(operationKinds)), { maxLength: 5 });
const compare = fc.record({ ...target, value: fc.option(value, { nil: undefined }) });

const ofCache = { cache: latin1(1, 64), policy: naturals };
const ofKey = { ...ofCache, key: keys };
const tags = fc.array(latin1(0, 20), { maxLength: 3 });
const cacheContent = fc.record({ value: fc.option(value, { nil: undefined }), contentType: text, ttlMs, tags });

const tokenName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const scope = fc.record({ kind: fc.constantFrom(...SCOPE_KINDS), over: fc.uint8Array({ maxLength: 40 }) });

const kinds: { readonly [T in Command['type']]: fc.Arbitrary<Extract<Command, { type: T }>> } = {
  ...keyKinds,
  transaction: fc.record({
    type: fc.constant('transaction'),
    compares: fc.array(compare, { maxLength: 5 }),
    thenDo: operations,
    elseDo: operations,
  }),
  'delete-prefix': fc.record({
    type: fc.constant('delete-prefix'),
    prefix: fc.uint8Array({ maxLength: 20 }),
    limit: fc.integer({ min: 1, max: TRANSACTION_LIMITS.maxDeletedKeys }),
  }),
  'create-token': fc.record({
    type: fc.constant('create-token'),
    name: tokenName,
    digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    scopes: fc.array(scope, { maxLength: 5 }),
  }),
  'revoke-token': fc.record({ type: fc.constant('revoke-token'), name: tokenName }),
  evict: fc.record({ type: fc.constant('evict'), key: anyKeys, revision: naturals }),
  expire: fc.record({ type: fc.constant('expire'), key: anyKeys, revision: naturals }),
  barrier: fc.constant({ type: 'barrier' }),
  checkpoint: fc.constant({ type: 'checkpoint' }),
  'snapshot-saved': fc.record({ type: fc.constant('snapshot-saved'), id: text, revision: naturals, offset: naturals }),
  verified: fc.record({ type: fc.constant('verified'), id: text, revision: naturals, offset: naturals }),
  'create-cluster': fc.record({
    type: fc.constant('create-cluster'),
    cluster: latin1(1, 255),
    limits: fc.record({
      maxValueBytes: naturals,
      maxKeys: naturals,
      maxMemoryBytes: naturals,
      maxOutcomes: naturals,
      outcomeWindowMs: naturals,
      featureLevel: naturals,
      eviction: fc.constantFrom(...EVICTIONS),
    }),
  }),
  heartbeat: fc.record({
    type: fc.constant('heartbeat'),
    cluster: text,
    address: text,
    pid: naturals,
    version: text,
    featureLevel: naturals,
    isReady: fc.boolean(),
    revision: naturals,
    lagMs: naturals,
    keys: naturals,
    bytes: naturals,
    report,
  }),
  restore: fc.record({
    type: fc.constant('restore'),
    backup: text,
    revision: naturals,
    part: naturals,
    entries: fc.array(fc.record({ key: anyKeys, value, contentType: text, revision: naturals, ttlMs }), {
      maxLength: 3,
    }),
  }),
  restored: fc.record({ type: fc.constant('restored'), backup: text, parts: naturals }),
  'cache-policy': fc.record({ type: fc.constant('cache-policy'), ...ofCache, text: value }),
  'cache-put': fc.record({
    type: fc.constant('cache-put'),
    ...ofKey,
    hold: naturals,
    maxUnsaved: naturals,
    content: fc.option(cacheContent, { nil: undefined }),
  }),
  'cache-fill': fc.record({ type: fc.constant('cache-fill'), ...ofKey, since: naturals, content: cacheContent }),
  'cache-hold': fc.record({ type: fc.constant('cache-hold'), ...ofKey, ttlMs }),
  'cache-lease': fc.record({ type: fc.constant('cache-lease'), ...ofKey, since: naturals, ttlMs }),
  'cache-invalidate': fc.record({
    type: fc.constant('cache-invalidate'),
    ...ofCache,
    keys: fc.array(keys, { maxLength: 3 }),
    tags,
    isAll: fc.boolean(),
  }),
  'cache-settle': fc.record({
    type: fc.constant('cache-settle'),
    ...ofCache,
    how: fc.constantFrom(...SETTLEMENTS),
    error: text,
    writes: fc.array(fc.record({ key: keys, revision: naturals }), { maxLength: 3 }),
  }),
  'cache-drained': fc.record({ type: fc.constant('cache-drained'), ...ofCache, revision: naturals }),
  'cache-adopt': fc.record({ type: fc.constant('cache-adopt'), ...ofCache, n: fc.nat(1_000_000) }),
};

export const COMMAND_TYPES = Object.keys(kinds) as readonly Command['type'][];

export function commandsOfType(type: Command['type']): fc.Arbitrary<Command> {
  return kinds[type];
}

export const commands: fc.Arbitrary<Command> = fc.oneof(...Object.values(kinds));

/** Without an id there is no caller: neither would be written. */
export const heads: fc.Arbitrary<CommandHead> = fc.oneof(
  fc.record({ attempt: naturals, deadline: naturals, id: fc.constant(''), caller: fc.constant('') }),
  fc.record({ attempt: naturals, deadline: naturals, id: latin1(1, 255), caller: text }),
);
