// The forms in which the cache writes things down: codecs, slots, messages, the Cache-Status field.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cacheStatus, type Served } from '../../../src/cache/cache-status.ts';
import { decodeChange, encodeChange } from '../../../src/cache/change-message.ts';
import { json } from '../../../src/cache/codec.ts';
import { messagePack } from '../../../src/cache/codecs/messagepack.ts';
import { decodeSlot, encodeSlot } from '../../../src/cache/slot.ts';
import type { TierReport } from '../../../src/cache/tiers.ts';

describe('codecs', () => {
  test('JSON and MessagePack give back every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const kept: unknown = JSON.parse(text);
        const codecs = text.includes('__proto__') ? [json()] : [json(), messagePack()];
        for (const codec of codecs) expect(codec.decode(codec.encode(kept))).toEqual(kept);
      }),
    );
  });

  test('MessagePack refuses an object with the key __proto__', () => {
    const codec = messagePack();
    expect(() => codec.decode(codec.encode(JSON.parse('{"__proto__":[]}')))).toThrow('__proto__');
  });

  test('MessagePack gives back bytes and dates as what they are', () => {
    const value = { bytes: Uint8Array.of(0, 255), at: new Date(1_700_000_000_123), left: undefined };
    const codec = messagePack<typeof value>();
    expect(codec.decode(codec.encode(value))).toEqual({ bytes: Uint8Array.of(0, 255), at: value.at });
  });

  test('a value that its parser does not know any more is an error, and so are bytes that are none', () => {
    const numbers = (kept: unknown): number => {
      if (typeof kept !== 'number') throw new TypeError('no number');
      return kept;
    };
    for (const codec of [json(numbers), messagePack(numbers)]) {
      expect(codec.decode(codec.encode(7))).toBe(7);
      expect(() => codec.decode(json().encode('seven'))).toThrow();
      expect(() => codec.decode(Uint8Array.of(0xc1, 0xff))).toThrow();
    }
  });
});

describe('a slot', () => {
  const version = 'V1StGXR8_Z5jdHi6B-myT';
  const loaded = { generation: 'one', sequence: 7 };

  test('of every kind is read as it was written', () => {
    const times = { freshUntilMs: 1_700_000_000_000, expiresAtMs: 1_700_000_060_000 };
    const slots = [
      { version, kind: 'empty' },
      { version, kind: 'moment', moment: loaded },
      { version, kind: 'held', holds: [{ id: 'a', untilMs: 5 }], isSpoilt: true },
      { version, kind: 'entry', value: Uint8Array.of(10, 0, 255, 10), ...times, tags: ['a "tag"', 'ü\n'], loaded },
      { version, kind: 'entry', value: Uint8Array.of(), ...times, tags: [], loaded },
      { version, kind: 'entry', value: undefined, ...times, tags: [], loaded },
    ] as const;
    for (const slot of slots) expect(decodeSlot(Uint8Array.from(encodeSlot(slot)))).toEqual(slot);
  });

  test('begins with its version, and is readable', () => {
    const value = Buffer.from('{"id":1}');
    const slot = { version, kind: 'entry', value, freshUntilMs: 1, expiresAtMs: 2, tags: ['users'], loaded } as const;
    expect(Buffer.from(encodeSlot(slot)).toString()).toBe(
      `${version} {"fresh":1,"expires":2,"tags":["users"],"generation":"one","sequence":7}\n{"id":1}`,
    );
  });

  test('that is none, or of a form unknown here, counts as empty', () => {
    for (const text of [
      '',
      'x',
      '{"id":1}',
      `${version} {"unknown":1}\n`,
      `${version} not JSON\n`,
      `${version} null\n`,
    ]) {
      expect(decodeSlot(Buffer.from(text)).kind).toBe('empty');
    }
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeSlot(bytes).kind).toBe('empty');
      }),
    );
  });
});

describe('a message', () => {
  test('gives back the write: key, value or removal, revision', () => {
    const codec = json<string>();
    for (const key of [7, 'a\n"key"', { user: 1, list: [true] }]) {
      for (const value of ['text\n', undefined]) {
        const change = { id: 'one', key, value, revision: 1_700_000_000_000_001 };
        expect(decodeChange(encodeChange(change, codec), codec)).toEqual(change);
      }
    }
  });

  test('that is none of ours is an error', () => {
    for (const text of [
      '',
      '\n',
      '{}\n',
      '{"key":1}\n"x"',
      '{"key":1,"revision":"2"}\n"x"',
      '{"key":1,"revision":2}\nx',
    ]) {
      expect(() => decodeChange({ id: 'one', body: Buffer.from(text) }, json())).toThrow();
    }
  });
});

describe('Cache-Status', () => {
  const served = (tier?: string): Served => ({ tier, isCollapsed: false, failure: undefined });
  const hit: TierReport = { name: 'redis', outcome: 'hit', ttlMs: 3_100_000 };

  test('names the tiers that were asked, the nearest to the source first', () => {
    const skipped: TierReport = { name: 'memcached', outcome: 'skipped', detail: 'breaker-open' };
    expect(cacheStatus([skipped, hit], served('redis'))).toBe(
      'redis; hit; ttl=3100, memcached; fwd=bypass; detail=breaker-open',
    );
    const missed: TierReport = { name: 'memory', outcome: 'miss', isStored: true };
    expect(cacheStatus([missed], served())).toBe('memory; fwd=uri-miss; stored');
  });

  test('never says both hit and fwd of one tier', () => {
    const outcomes = ['hit', 'miss', 'stale', 'held', 'skipped'] as const;
    for (const outcome of outcomes) {
      for (const tier of [undefined, 'redis']) {
        const status = cacheStatus([{ ...hit, outcome, isStored: true, detail: 'why' }], served(tier));
        expect(status.includes('; hit') !== status.includes('fwd=')).toBe(true);
      }
    }
  });

  test('quotes what is no token', () => {
    const report: TierReport = { name: 'my "far" tier\n', outcome: 'miss' };
    expect(cacheStatus([report], served())).toBe('"my \\"far\\" tier?"; fwd=uri-miss');
  });
});
