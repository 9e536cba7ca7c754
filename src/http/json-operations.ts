// The JSON forms of batches and transactions: pure functions from what JSON.parse answers to operations, strict in every member.
import { JSON_LIMITS, REQUEST_LIMITS, TRANSACTION_LIMITS } from '../base/limits.ts';
import { hintOf } from '../base/nearest.ts';
import { formatDuration, parseDuration } from '../base/quantities.ts';
import type { Compare, Operation, Transaction } from '../core/commands/command.ts';
import { ALWAYS, type Condition } from '../core/condition.ts';
import { checkMembers, type Fields, invalidBody, listAt, memberPlace, objectAt, textAt } from './json-bodies.ts';
import { isMediaType, OCTETS } from './media-types.ts';

type OperationName = Operation['type'];

const MEMBERS: Readonly<Record<OperationName, readonly string[]>> = {
  get: ['op', 'key', 'ifRevision'],
  put: ['op', 'key', 'value', 'base64', 'contentType', 'ttl', 'ifRevision'],
  delete: ['op', 'key', 'ifRevision'],
  increment: ['op', 'key', 'by', 'ttl', 'ifRevision'],
  append: ['op', 'key', 'value', 'base64', 'contentType', 'ttl', 'ifRevision'],
  touch: ['op', 'key', 'ttl', 'ifRevision'],
};
const OPERATION_NAMES = Object.keys(MEMBERS);
const BATCH_MEMBERS = ['items'];
const TRANSACTION_MEMBERS = ['if', 'then', 'else'];
const COMPARED = ['revision', 'exists', 'value', 'base64'];
const ABSENT: Condition = { match: 'none', noneMatch: 'any' };
const PRESENT: Condition = { match: 'any', noneMatch: 'none' };
const INT64 = /^[+-]?\d{1,19}$/;

/** `{"items": […]}`. Throws a Problem that names the place. */
export function batchIn(body: unknown): readonly Operation[] {
  const fields = objectAt('', body);
  checkMembers('', fields, BATCH_MEMBERS);
  return listAt('items', fields.items, JSON_LIMITS.maxBatchItems).map((item, at) => operationAt(`items[${at}]`, item));
}

/** `{"if": […], "then": […], "else": […]}`, of which not all may be left out. */
export function transactionIn(body: unknown): Transaction {
  const fields = objectAt('', body);
  checkMembers('', fields, TRANSACTION_MEMBERS);
  if (TRANSACTION_MEMBERS.every((name) => fields[name] === undefined)) {
    throw invalidBody('', 'A transaction has at least one of "if", "then" and "else".');
  }
  return {
    type: 'transaction',
    compares: listOf('if', fields, compareAt),
    thenDo: listOf('then', fields, operationAt),
    elseDo: listOf('else', fields, operationAt),
  };
}

export function operationAt(place: string, value: unknown): Operation {
  const fields = objectAt(place, value);
  const type = operationName(memberPlace(place, 'op'), fields.op);
  checkMembers(place, fields, MEMBERS[type]);
  const target = { key: keyAt(place, fields), condition: conditionAt(place, fields) };
  switch (type) {
    case 'get':
    case 'delete':
      return { type, ...target };
    case 'put':
    case 'append':
      return {
        type,
        ...target,
        value: bytesAt(place, fields),
        contentType: contentTypeAt(place, fields),
        ttlMs: ttlAt(place, fields),
      };
    case 'increment':
      return { type, ...target, by: byAt(memberPlace(place, 'by'), fields.by ?? 1), ttlMs: ttlAt(place, fields) };
    case 'touch':
      return { type, ...target, ttlMs: newTtlAt(place, fields) };
  }
}

function listOf<T>(name: string, fields: Fields, read: (place: string, value: unknown) => T): readonly T[] {
  if (fields[name] === undefined) return [];
  return listAt(name, fields[name], TRANSACTION_LIMITS.maxItems).map((item, at) => read(`${name}[${at}]`, item));
}

function compareAt(place: string, value: unknown): Compare {
  const fields = objectAt(place, value);
  checkMembers(place, fields, ['key', ...COMPARED]);
  const key = keyAt(place, fields);
  if (COMPARED.filter((name) => fields[name] !== undefined).length !== 1) {
    throw invalidBody(place, `"${place}" needs exactly one of ${COMPARED.join(', ')}.`);
  }
  if (fields.revision !== undefined) {
    return { key, condition: revisionAt(memberPlace(place, 'revision'), fields.revision), value: undefined };
  }
  if (fields.exists === undefined) return { key, condition: ALWAYS, value: bytesAt(place, fields) };
  if (typeof fields.exists !== 'boolean') {
    throw invalidBody(memberPlace(place, 'exists'), `"${place}.exists" must be true or false.`);
  }
  return { key, condition: fields.exists ? PRESENT : ABSENT, value: undefined };
}

function operationName(place: string, value: unknown): OperationName {
  const name = typeof value === 'string' ? value : '';
  if (OPERATION_NAMES.includes(name)) return name as OperationName;
  throw invalidBody(place, `"${place}" must be one of ${OPERATION_NAMES.join(', ')}${hintOf(name, OPERATION_NAMES)}.`);
}

function keyAt(place: string, fields: Fields): Buffer {
  const at = memberPlace(place, 'key');
  const key = Buffer.from(textAt(at, fields.key));
  if (key.length >= 1 && key.length <= REQUEST_LIMITS.maxKeyBytes) return key;
  throw invalidBody(at, `"${at}" has ${key.length} bytes; a key has 1 to ${REQUEST_LIMITS.maxKeyBytes}.`);
}

function conditionAt(place: string, { ifRevision }: Fields): Condition {
  return ifRevision === undefined ? ALWAYS : revisionAt(memberPlace(place, 'ifRevision'), ifRevision);
}

/** 0: the key must be absent. */
function revisionAt(place: string, value: unknown): Condition {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalidBody(place, `"${place}" must be a revision: a whole number, 0 for a key that is absent.`);
  }
  return value === 0 ? ABSENT : { match: [value], noneMatch: 'none' };
}

function bytesAt(place: string, { value, base64 }: Fields): Buffer {
  if ((value === undefined) === (base64 === undefined)) {
    throw invalidBody(place, `"${place}" needs exactly one of "value" and "base64".`);
  }
  if (value !== undefined) return Buffer.from(textAt(memberPlace(place, 'value'), value));
  const at = memberPlace(place, 'base64');
  const text = textAt(at, base64);
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips whatever is no base64.
  if (bytes.toString('base64') === text) return bytes;
  throw invalidBody(at, `"${at}" must be base64 with padding (RFC 4648 §4).`);
}

function contentTypeAt(place: string, { contentType }: Fields): string {
  if (contentType === undefined) return OCTETS;
  const at = memberPlace(place, 'contentType');
  const text = textAt(at, contentType);
  const { maxContentTypeLength } = REQUEST_LIMITS;
  if (text.length <= maxContentTypeLength && isMediaType(text)) return text;
  throw invalidBody(
    at,
    `"${at}" must be a media type such as text/plain, of at most ${maxContentTypeLength} characters.`,
  );
}

/** 0 when none is given. */
function ttlAt(place: string, { ttl }: Fields): number {
  if (ttl === undefined) return 0;
  const at = memberPlace(place, 'ttl');
  const ms = typeof ttl === 'string' || typeof ttl === 'number' ? parseDuration(String(ttl)) : undefined;
  if (ms !== undefined && ms > 0 && ms <= REQUEST_LIMITS.maxTtlMs) return ms;
  throw invalidBody(
    at,
    `"${at}" must be a number of seconds, or a text such as 500ms, 30s, 5m, 2h, 1d; above zero, at most ${formatDuration(REQUEST_LIMITS.maxTtlMs)}.`,
  );
}

function newTtlAt(place: string, fields: Fields): number {
  if (fields.ttl === 'none') return 0;
  if (fields.ttl !== undefined) return ttlAt(place, fields);
  const at = memberPlace(place, 'ttl');
  throw invalidBody(at, `"${at}" is missing: a time such as 1h, or none to live for ever.`);
}

/** JSON's own numbers are exact up to 2^53 only; what is beyond comes as a string. */
function byAt(place: string, value: unknown): bigint {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  const by = typeof text === 'string' && INT64.test(text) ? BigInt(text) : undefined;
  if (by !== undefined && BigInt.asIntN(64, by) === by) return by;
  throw invalidBody(place, `"${place}" must be a whole number of 64 bits; beyond 2^53 it is written as a string.`);
}
