// The commands of caches: how each is written, read and applied. What they do to a key stands in cached-key.ts.
import { type ByteReader, type ByteWriter, Malformed } from '../../base/bytes.ts';
import { CACHED_STATE_LIMITS } from '../../base/limits.ts';
import {
  NOTHING,
  readTags,
  recordKey,
  revisionAt,
  tagKey,
  unsavedNumber,
  writeStored,
  writeTags,
  writeUnsavedNumber,
} from '../cache-records.ts';
import { VERDICTS, type Verdict } from '../outcome.ts';
import type { State } from '../state.ts';
import {
  type CacheAdopt,
  type CacheCommand,
  type CacheContent,
  type CacheDrained,
  type CacheFill,
  type CacheHold,
  type CacheInvalidate,
  type CacheLease,
  type CachePolicy,
  type CachePut,
  type CacheSettle,
  SETTLEMENTS,
} from './cache-command.ts';
import { CachedKey } from './cached-key.ts';
import { type CommandSpec, readKey, readTtl } from './spec.ts';

// Each begins with cache:text8 policy:varint.
// cache-policy = text:bytes32
export const cachePolicy = spec<CachePolicy>('cache-policy', 30, {
  write: (writer, { text }) => writer.bytes32(text),
  read: (reader) => ({ text: reader.bytes32() }),
  apply(state, { cache, text }) {
    if (text.length > CACHED_STATE_LIMITS.maxPolicyBytes) return VERDICTS['value-too-large'];
    note(state, recordKey('P', cache), text);
    return VERDICTS.done;
  },
});

// cache-put = key:bytes16 hold:varint maxUnsaved:varint ( 0:u8 | 1:u8 content )
export const cachePut = spec<CachePut>('cache-put', 31, {
  write(writer, { key, hold, maxUnsaved, content }) {
    writer.bytes16(key);
    writer.varint(hold);
    writer.varint(maxUnsaved);
    writer.u8(content === undefined ? 0 : 1);
    if (content !== undefined) writeContent(writer, content);
  },
  read: (reader) => ({
    key: readKey(reader),
    hold: reader.varint(),
    maxUnsaved: reader.varint(),
    content: reader.flag() ? readContent(reader) : undefined,
  }),
  apply(state, { cache, key, hold, maxUnsaved, content }) {
    const cached = new CachedKey(state, cache, key);
    const isBehind = hold === 0 && maxUnsaved > 0 && content !== undefined;
    return isBehind ? cached.writtenBehind(content, maxUnsaved) : cached.written(hold, content);
  },
});

// cache-fill = key:bytes16 since:varint content
export const cacheFill = spec<CacheFill>('cache-fill', 32, {
  write(writer, { key, since, content }) {
    writer.bytes16(key);
    writer.varint(since);
    writeContent(writer, content);
  },
  read: (reader) => ({ key: readKey(reader), since: reader.varint(), content: readContent(reader) }),
  apply: (state, { cache, key, since, content }) => new CachedKey(state, cache, key).fill(since, content),
});

// cache-hold = key:bytes16 ttl:varint
export const cacheHold = spec<CacheHold>('cache-hold', 33, {
  write(writer, { key, ttlMs }) {
    writer.bytes16(key);
    writer.varint(ttlMs);
  },
  read: (reader) => ({ key: readKey(reader), ttlMs: readTtl(reader) }),
  apply: (state, { cache, key, ttlMs }) => new CachedKey(state, cache, key).hold(ttlMs),
});

// cache-lease = key:bytes16 since:varint ttl:varint
export const cacheLease = spec<CacheLease>('cache-lease', 34, {
  write(writer, { key, since, ttlMs }) {
    writer.bytes16(key);
    writer.varint(since);
    writer.varint(ttlMs);
  },
  read: (reader) => ({ key: readKey(reader), since: reader.varint(), ttlMs: readTtl(reader) }),
  apply: (state, { cache, key, since, ttlMs }) => new CachedKey(state, cache, key).lease(since, ttlMs),
});

// cache-invalidate = count:u16 key:bytes16{count} count:u8 tag:text8{count} all:u8
export const cacheInvalidate = spec<CacheInvalidate>('cache-invalidate', 35, {
  write(writer, { keys, tags, isAll }) {
    writer.u16(keys.length);
    for (const key of keys) writer.bytes16(key);
    writeTags(writer, tags);
    writer.u8(isAll ? 1 : 0);
  },
  read: (reader) => ({ keys: listOf(reader, readKey), tags: readTags(reader), isAll: reader.flag() }),
  apply(state, { cache, keys, tags, isAll }) {
    for (const key of keys) new CachedKey(state, cache, key).drop();
    for (const tag of tags) note(state, tagKey(cache, tag), NOTHING);
    if (tags.length > 0) note(state, recordKey('T', cache), NOTHING);
    if (isAll) note(state, recordKey('A', cache), NOTHING);
    if (isAll || tags.length > 0) {
      const value = writeStored({ value: undefined, tags: isAll ? [] : tags });
      const { revision } = state;
      state.onChange?.('invalidate', recordKey('E', cache), { value, contentType: '', revision, expiresAt: 0 });
    }
    return VERDICTS.done;
  },
});

// cache-settle = how:u8 error:text8 count:u16 ( key:bytes16 revision:varint ){count}
export const cacheSettle = spec<CacheSettle>('cache-settle', 36, {
  write(writer, { how, error, writes }) {
    writer.u8(SETTLEMENTS.indexOf(how));
    writer.text8(error);
    writer.u16(writes.length);
    for (const { key, revision } of writes) {
      writer.bytes16(key);
      writer.varint(revision);
    }
  },
  read(reader) {
    const how = SETTLEMENTS[reader.u8()];
    if (how === undefined) throw new Malformed('nobody knows what became of a write');
    const error = reader.text8();
    return { how, error, writes: listOf(reader, () => ({ key: readKey(reader), revision: reader.varint() })) };
  },
  apply(state, { cache, how, error, writes }) {
    const settled = writes.filter(({ key, revision }) => new CachedKey(state, cache, key).settle(how, revision, error));
    return settled.length === 0 ? VERDICTS.stale : { code: 'done', detail: BigInt(settled.length) };
  },
});

// cache-drained = revision:varint
export const cacheDrained = spec<CacheDrained>('cache-drained', 38, {
  write: (writer, { revision }) => writer.varint(revision),
  read: (reader) => ({ revision: reader.varint() }),
  apply(state, { cache, revision }) {
    const { count, ...number } = unsavedNumber(state.keyspace, cache);
    const isWaiting = state.keyspace.keysAfter(recordKey('D', cache), undefined, 1).length > 0;
    if (number.revision !== revision || isWaiting) return VERDICTS.stale;
    note(state, recordKey('N', cache), writeUnsavedNumber({ count, isDrained: true }));
    return VERDICTS.done;
  },
});

// cache-adopt = n:varint
export const cacheAdopt = spec<CacheAdopt>('cache-adopt', 37, {
  write: (writer, { n }) => writer.varint(n),
  read(reader) {
    const n = reader.varint();
    if (n > CACHED_STATE_LIMITS.maxAdopted) throw new Malformed('a revision is too high to go on from');
    return { n };
  },
  apply(state, { n }) {
    state.revision = Math.max(state.revision, n + 1);
    return VERDICTS.done;
  },
});

type Body<C> = Omit<C, 'type' | 'cache' | 'policy'>;

function spec<C extends CacheCommand>(
  type: C['type'],
  number: number,
  body: {
    write(writer: ByteWriter, command: C): void;
    read(reader: ByteReader): Body<C>;
    apply(state: State, command: C): Verdict;
  },
): CommandSpec<C> {
  return {
    number,
    version: 1,
    featureLevel: 4,
    write(writer, command) {
      writer.text8(command.cache);
      writer.varint(command.policy);
      body.write(writer, command);
    },
    read(reader) {
      const head = { type, cache: reader.text8(), policy: reader.varint() };
      return { ...head, ...body.read(reader) } as C;
    },
    apply(state, command) {
      if (state.restoring !== undefined) return VERDICTS.restoring;
      const policy = revisionAt(state.keyspace, recordKey('P', command.cache));
      return policy === command.policy ? body.apply(state, command) : { code: 'old-policy', detail: BigInt(policy) };
    },
  };
}

// content = ttl:varint count:u8 tag:text8{count} type:text8 ( 0:u8 | 1:u8 value:bytes32 )
function writeContent(writer: ByteWriter, { ttlMs, tags, contentType, value }: CacheContent): void {
  writer.varint(ttlMs);
  writeTags(writer, tags);
  writer.text8(contentType);
  writer.u8(value === undefined ? 0 : 1);
  if (value !== undefined) writer.bytes32(value);
}

function readContent(reader: ByteReader): CacheContent {
  return {
    ttlMs: readTtl(reader),
    tags: readTags(reader),
    contentType: reader.text8(),
    value: reader.flag() ? reader.bytes32() : undefined,
  };
}

function listOf<T>(reader: ByteReader, read: (reader: ByteReader) => T): readonly T[] {
  return Array.from({ length: reader.u16() }, () => read(reader));
}

function note(state: State, key: Uint8Array, value: Uint8Array): void {
  state.keyspace.set(key, { value, contentType: '', revision: state.revision, expiresAt: 0 });
}
