// What a walk through any keyspace does: it gives what stood there when it began, whatever is changed meanwhile.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, type ByteWriter } from '../../src/base/bytes.ts';
import type { Entry, Keyspace } from '../../src/core/keyspace.ts';
import { KeyspaceWalk, WalkGivenUp, type WalkOptions } from '../../src/snapshot/keyspace-walk.ts';

type Step =
  | { readonly kind: 'set'; readonly key: number; readonly value: Uint8Array }
  /** As a failed transaction does: with a revision from before. */
  | { readonly kind: 'put-back'; readonly key: number; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: number }
  | { readonly kind: 'next' };

const KEYS = 24;
const key = fc.nat(KEYS - 1);
const set = fc.record({ kind: fc.constant('set' as const), key, value: fc.uint8Array({ maxLength: 20 }) });
const putBack = fc.record({ kind: fc.constant('put-back' as const), key, value: fc.uint8Array({ maxLength: 20 }) });
const remove = fc.record({ kind: fc.constant('delete' as const), key });
const before = fc.array(fc.oneof({ weight: 3, arbitrary: set }, remove), { maxLength: 40 });
const during = fc.array(fc.oneof(set, putBack, remove, fc.constant({ kind: 'next' as const })), { maxLength: 80 });
const bounds = fc.record({
  maxRunBytes: fc.integer({ min: 1, max: 100 }),
  maxRunEntries: fc.integer({ min: 1, max: 8 }),
});

export function keyspaceWalkContract(name: string, create: () => Keyspace): void {
  describe(`a walk through a keyspace: ${name}`, () => {
    test('gives every entry that stood there at its beginning once, in its old form, and nothing that came later', () => {
      fc.assert(
        fc.property(before, during, bounds, (start, changes, { maxRunBytes, maxRunEntries }) => {
          const scene = new Scene(create());
          for (const step of start) scene.run(step);
          const expected = scene.contents();
          scene.begin({ maxRunBytes, maxRunEntries });
          for (const step of changes) scene.run(step);
          scene.finish();
          expect(scene.given.toSorted()).toEqual(expected);
          expect(scene.runs.every(({ entries }) => entries <= maxRunEntries)).toBe(true);
          expect(scene.keyspace.beforeChange).toBeUndefined();
        }),
        { numRuns: 500 },
      );
    });

    test('an entry is shown after the keys before it, from any key on, until no more is asked for', () => {
      fc.assert(
        fc.property(before, fc.option(key), fc.integer({ min: 1, max: 5 }), (start, from, count) => {
          const scene = new Scene(create());
          for (const step of start) scene.run(step);
          const { keyspace } = scene;
          const after = from === null ? undefined : nameOf(from);
          const shown: Uint8Array[] = [];
          keyspace.visit(after, (name, entry) => {
            expect(entry).toEqual(keyspace.get(name));
            return shown.push(name.slice()) < count;
          });
          expect(shown.map(hex)).toEqual(keyspace.keysAfter(new Uint8Array(0), after, count).map(hex));
        }),
      );
    });

    test('changes nothing: a keyspace with a walk through it ends as one without', () => {
      fc.assert(
        fc.property(before, during, (start, changes) => {
          const walked = new Scene(create());
          const plain = new Scene(create());
          for (const step of start) for (const scene of [walked, plain]) scene.run(step);
          walked.begin({ maxRunEntries: 2 });
          for (const step of changes) for (const scene of [walked, plain]) scene.run(step);
          expect(walked.contents()).toEqual(plain.contents());
          expect({ ...walked.keyspace.digest }).toEqual({ ...plain.keyspace.digest });
        }),
      );
    });

    test('comes by few entries at a time, also of those that it passes over', () => {
      const scene = new Scene(create());
      scene.begin({ maxRunEntries: 2 });
      for (let i = 0; i < KEYS; i++) scene.run({ kind: 'set', key: i, value: new Uint8Array(1) });
      scene.finish();
      expect(scene.given).toEqual([]);
      expect(scene.runs.length).toBe(KEYS / 2);
    });

    test('gives up when more was changed ahead of it than it may hold, and leaves the keyspace alone from then on', () => {
      const scene = new Scene(create());
      for (let i = 0; i < KEYS; i++) scene.run({ kind: 'set', key: i, value: new Uint8Array(100) });
      scene.begin({ maxRunEntries: 2, maxHeldBytes: 1000 });
      scene.run({ kind: 'next' });
      for (let i = 0; i < KEYS; i++) scene.run({ kind: 'delete', key: i });
      expect(scene.keyspace.beforeChange).toBeUndefined();
      expect(() => scene.run({ kind: 'next' })).toThrow(WalkGivenUp);
      expect(scene.keyspace.keys).toBe(0);
    });

    test('holds nothing of what is changed behind it, or changed again', () => {
      const scene = new Scene(create());
      for (let i = 0; i < KEYS; i++) scene.run({ kind: 'set', key: i, value: new Uint8Array(100) });
      scene.begin({ maxRunEntries: 12, maxHeldBytes: 3000 });
      scene.run({ kind: 'next' });
      for (let round = 0; round < 100; round++) {
        for (let i = 0; i < 18; i++) scene.run({ kind: 'set', key: i, value: new Uint8Array(100).fill(round) });
      }
      scene.finish();
      expect(scene.given.length).toBe(KEYS);
    });

    test('says so instead of leaving out an entry whose revision is still to come', () => {
      const scene = new Scene(create());
      scene.run({ kind: 'set', key: 1, value: new Uint8Array(1) });
      scene.run({ kind: 'set', key: 2, value: new Uint8Array(1) });
      scene.begin({ revision: 1 });
      expect(() => scene.finish()).toThrow(WalkGivenUp);
    });

    test('can be ended early, and another one begun', () => {
      const scene = new Scene(create());
      for (let i = 0; i < KEYS; i++) scene.run({ kind: 'set', key: i, value: Uint8Array.of(i) });
      const walk = scene.begin({ maxRunEntries: 2 });
      expect(() => new KeyspaceWalk(scene.keyspace, OPTIONS)).toThrow('S1');
      scene.run({ kind: 'next' });
      walk.end();
      scene.given.length = 0;
      scene.begin({});
      scene.finish();
      expect(scene.given.toSorted()).toEqual(scene.contents());
    });
  });
}

const OPTIONS: WalkOptions = {
  revision: 0,
  write(writer: ByteWriter, name: Uint8Array, entry: Entry) {
    writer.bytes16(name);
    writer.bytes32(entry.value);
    writer.varint(entry.revision);
  },
  maxRunBytes: 100_000,
  maxRunEntries: 1000,
  maxHeldBytes: 1_000_000,
};

class Scene {
  readonly keyspace: Keyspace;
  readonly given: string[] = [];
  readonly runs: { readonly entries: number }[] = [];
  #walk: KeyspaceWalk | undefined;
  #revision = 0;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  begin(options: Partial<WalkOptions>): KeyspaceWalk {
    this.#walk = new KeyspaceWalk(this.keyspace, { ...OPTIONS, revision: this.#revision, ...options });
    return this.#walk;
  }

  /** Answers whether there may be more to give. */
  run(step: Step): boolean {
    this.#revision++;
    if (step.kind === 'delete') this.keyspace.delete(nameOf(step.key));
    else if (step.kind === 'set' || step.kind === 'put-back') {
      this.keyspace.set(nameOf(step.key), {
        value: step.value,
        contentType: '',
        revision: step.kind === 'set' ? this.#revision : 0,
        expiresAt: 0,
      });
    } else {
      const run = this.#walk?.next();
      if (run === undefined) return false;
      this.runs.push(run);
      const reader = new ByteReader(run.bytes);
      for (let i = 0; i < run.entries; i++)
        this.given.push(textOf(reader.bytes16(), reader.bytes32(), reader.varint()));
      reader.end();
    }
    return true;
  }

  finish(): void {
    while (this.run({ kind: 'next' }));
  }

  contents(): string[] {
    const found: string[] = [];
    this.keyspace.visit(undefined, (name, entry) => found.push(textOf(name, entry.value, entry.revision)) > 0);
    return found.sort();
  }
}

/** Some keys begin like others, and bytes above 0x7f are among them. */
function nameOf(number: number): Uint8Array {
  const rest = number >> 2;
  return Uint8Array.of(0x7e + (number & 3), ...(rest === 0 ? [] : [rest & 1, rest >> 1]));
}

function textOf(name: Uint8Array, value: Uint8Array, revision: number): string {
  return `${hex(name)} ${hex(value)} ${revision}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
