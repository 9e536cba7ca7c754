// The contract of the sources: loaded, saved, removed and flushed alike, whatever database is behind it.
import { nanoid } from 'nanoid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Change, FlushGuard } from '../../src/cache/ports.ts';
import type { RowOf } from '../../src/cache/sources/columns.ts';
import type { RowsSource } from '../../src/cache/sources/rows.ts';

/** The columns of the table or collection `person`; `email` is unique where it is not null, `id` the primary key. */
export const PERSON = {
  id: 'integer',
  name: 'text',
  email: 'text?',
  age: 'integer?',
  weight: 'real?',
  isActive: 'boolean',
} as const;
type Person = RowOf<typeof PERSON>;

export type PersonSource = RowsSource<number, Person>;

/** A table of persons that is empty at first; `open` gives a further handle on it, which the suite closes. */
export type TestSourcePlace = { open(): Promise<PersonSource>; remove(): Promise<void> };

type SourceTraits = {
  /** A flush that is refused has changed nothing at all. */
  readonly isAtomic: boolean;
  /** How many writes the largest flush of the suite has. */
  readonly flushSize: number;
};

export function cacheSourceContract(
  name: string,
  { isAtomic, flushSize }: SourceTraits,
  createPlace: () => Promise<TestSourcePlace>,
): void {
  describe(`the contract of the source: ${name}`, () => {
    let place: TestSourcePlace;
    let source: PersonSource;
    let other: PersonSource;

    beforeEach(async () => {
      place = await createPlace();
      source = await place.open();
      other = await place.open();
    });
    afterEach(async () => {
      await Promise.all([source, other].map((handle) => handle.close()));
      await place.remove();
    });

    describe('rows', () => {
      test('are absent, saved, loaded with their types, replaced, and removed', async () => {
        expect(await source.load(1)).toBeUndefined();
        const ada = { ...person(1), name: `Ada "O'Hara"; DROP TABLE person; -- ü€😀\n\\`, age: 2 ** 40, weight: 0.1 };
        expect(await source.save(1, ada)).toEqual(ada);
        expect(await other.load(1)).toEqual(ada);
        const nobody = { ...ada, email: null, age: null, weight: null, isActive: false };
        expect(await other.save(1, nobody)).toEqual(nobody);
        expect(await source.load(1)).toEqual(nobody);
        expect(await source.remove(1)).toBe(true);
        expect(await other.remove(1)).toBe(false);
        expect(await other.load(1)).toBeUndefined();
      });

      test('are loaded many at once, without those that are absent', async () => {
        for (const id of [1, 2, 3]) await source.save(id, person(id));
        const found = await other.loadMany([3, 9, 1, 1]);
        expect(new Map(found)).toEqual(new Map([3, 1].map((id) => [id, person(id)])));
        expect((await source.loadMany([])).size).toBe(0);
      });

      test('are inserted once, again after a removal, and listed in order', async () => {
        for (const id of [3, 1, 2]) await source.insert(person(id));
        const conflict = { code: 'refused', refusal: 'conflict' };
        await expect(other.insert(person(2))).rejects.toMatchObject(conflict);
        await expect(other.insert({ ...person(4), email: person(2).email })).rejects.toMatchObject(conflict);
        expect(await other.list({ limit: 2 })).toEqual([person(1), person(2)]);
        await source.flush([removal(2)], fence(1));
        expect((await other.list({ limit: 100 })).map(({ id }) => id)).toEqual([1, 3]);
        await other.insert(person(2));
        expect(await source.load(2)).toEqual(person(2));
      });

      test('are changed column by column: of many changes at once none undoes another', async () => {
        expect(await source.change(1, { name: 'nobody' })).toBeUndefined();
        const ada = { ...person(1), age: 36, weight: 60.5, isActive: true };
        await source.save(1, ada);
        await source.save(2, person(2));
        const changed = { name: 'Ada', age: 37, weight: null, isActive: false };
        const fields = Object.entries(changed).map(([name, value]) => ({ [name]: value }));
        await Promise.all(fields.map((one, at) => (at % 2 === 0 ? source : other).change(1, one)));
        expect(await source.load(1)).toEqual({ ...ada, ...changed });
        expect(await other.change(1, { id: 1, email: null })).toEqual({ ...ada, ...changed, email: null });
        expect(await source.change(1, {})).toEqual({ ...ada, ...changed, email: null });
        await expect(source.change(1, { id: 3 })).rejects.toMatchObject({ code: 'refused' });
        await expect(source.change(1, { email: person(2).email })).rejects.toMatchObject({ refusal: 'conflict' });
        expect(await other.load(2)).toEqual(person(2));
      });

      test('are refused where another row has what is unique, and neither is changed', async () => {
        const [one, two] = [person(1), person(2)];
        await source.save(1, one);
        await source.save(2, two);
        const conflict = { code: 'refused', refusal: 'conflict' };
        await expect(source.save(3, { ...person(3), email: one.email })).rejects.toMatchObject(conflict);
        await expect(source.save(2, { ...two, email: one.email })).rejects.toMatchObject(conflict);
        expect(await other.loadMany([1, 2, 3])).toEqual(new Map([one, two].map((row) => [row.id, row])));
      });

      test.each([
        ['that names another key', { id: 2 }],
        ['with a value of another type', { name: 7 }],
        ['with a number that is none', { weight: Number.NaN }],
        ['without what it must have', { name: null }],
      ])('%s are refused', async (_, wrong) => {
        const row = { ...person(1), ...wrong } as Person;
        await expect(source.save(1, row)).rejects.toMatchObject({ code: 'refused', refusal: 'invalid' });
        expect(await other.load(1)).toBeUndefined();
      });

      test('are saved by many at once, each whole', async () => {
        const names = Array.from({ length: 20 }, (_, n) => `${n}`);
        await Promise.all(names.map((name, n) => (n % 2 ? source : other).save(1, { ...person(1), name })));
        expect(names).toContain((await source.load(1))?.name);
      });
    });

    describe('a flush', () => {
      const nameOf = async (id: number) => (await other.load(id))?.name;

      test('inserts, replaces and removes in one go, however many they are', async () => {
        await source.save(1, person(1));
        await source.save(2, person(2));
        const many = Array.from({ length: flushSize }, (_, n) => put(10 + n, 'many'));
        expect(await source.flush([put(1, 'new'), removal(2), removal(3), ...many], fence(1))).toEqual({
          kind: 'saved',
        });
        expect(await nameOf(1)).toBe('new');
        expect(await other.load(2)).toBeUndefined();
        expect((await other.loadMany(many.map(({ key }) => key))).size).toBe(flushSize);
        expect(await source.flush([], fence(2))).toEqual({ kind: 'saved' });
      });

      test('needs a greater number than all before it, else changes nothing and says whose the fence is', async () => {
        await source.flush([put(1, 'five')], fence(5));
        for (const n of [4, 5]) {
          expect(await other.flush([put(1, 'late', 2), put(2, 'late', 2)], fence(n))).toEqual({
            kind: 'fenced',
            cluster: 'ours',
            n: 5,
          });
        }
        expect(await nameOf(1)).toBe('five');
        expect(await nameOf(2)).toBeUndefined();
        expect(await other.flush([put(1, 'six', 6)], fence(6))).toEqual({ kind: 'saved' });
        expect(await nameOf(1)).toBe('six');
      });

      test('of another cluster is fenced, whatever its number', async () => {
        await source.flush([put(1, 'ours')], fence(5));
        const theirs = await other.flush([put(1, 'theirs')], { ...fence(500), cluster: 'theirs' });
        expect(theirs).toEqual({ kind: 'fenced', cluster: 'ours', n: 5 });
        expect(await nameOf(1)).toBe('ours');
      });

      test('of another cluster may go on when it has adopted the fence that it found, with a greater number', async () => {
        await source.flush([put(1, 'theirs')], { ...fence(5), cluster: 'theirs' });
        expect(await other.adopt({ cluster: 'theirs', n: 4 }, 'ours')).toBe(false);
        expect(await other.adopt({ cluster: 'theirs', n: 5 }, 'ours')).toBe(true);
        expect(await source.flush([put(1, 'late', 2)], { ...fence(6), cluster: 'theirs' })).toMatchObject({
          kind: 'fenced',
        });
        expect(await source.flush([put(1, 'ours', 2)], fence(5))).toMatchObject({ kind: 'fenced', cluster: 'ours' });
        expect(await source.flush([put(1, 'ours', 3)], fence(6))).toEqual({ kind: 'saved' });
        expect(await nameOf(1)).toBe('ours');
      });

      test('that comes at the same time as a later one never overwrites it', async () => {
        for (let n = 10; n < 60; n += 2) {
          const [early] = await Promise.all([
            source.flush([put(1, `${n}`, n)], fence(n)),
            other.flush([put(1, `${n + 1}`, n + 1)], fence(n + 1)),
          ]);
          expect(['saved', 'fenced']).toContain(early.kind);
          expect(await nameOf(1)).toBe(`${n + 1}`);
        }
      });

      test('replaces no row by an older revision of it', async () => {
        await source.flush([put(1, 'newer', 10)], fence(1));
        expect(await source.flush([put(1, 'older', 9), put(2, 'first', 9)], fence(2))).toEqual({ kind: 'saved' });
        expect(await nameOf(1)).toBe('newer');
        expect(await nameOf(2)).toBe('first');
      });

      test('by ids does nothing twice', async () => {
        const [one, two] = [put(1, 'one', 1), put(2, 'two', 2)];
        await source.flush([one], IDS);
        await source.flush([put(1, 'later', 3)], IDS);
        expect(await other.flush([one, two], IDS)).toEqual({ kind: 'saved' });
        expect(await nameOf(1)).toBe('later');
        expect(await nameOf(2)).toBe('two');
      });

      test('by ids does nothing that a later write stood for', async () => {
        const early = put(1, 'early', 1);
        await source.flush([{ ...put(1, 'late', 2), coalesced: [early.id] }], IDS);
        await other.flush([early], IDS);
        expect(await nameOf(1)).toBe('late');
      });

      test('by ids of the same writes by two at once does them once', async () => {
        for (let n = 0; n < 10; n++) {
          const changes = Array.from({ length: 5 }, (_, at) => put(at, `${n}`, n + 1));
          const both = await Promise.all([source, other].map((handle) => handle.flush(changes, IDS)));
          expect(both).toEqual([{ kind: 'saved' }, { kind: 'saved' }]);
          expect(await nameOf(4)).toBe(`${n}`);
        }
      });

      test('with a write that is refused says so', async () => {
        await source.save(1, person(1));
        const wrong = put(3, 'wrong', 1, person(1).email);
        const refused = { code: 'refused', refusal: 'conflict' };
        await expect(source.flush([put(2, 'right'), wrong], fence(7))).rejects.toMatchObject(refused);
        await expect(source.flush([put(2, 'right'), wrong], IDS)).rejects.toMatchObject(refused);
        expect(await other.load(3)).toBeUndefined();
        expect(await other.load(1)).toEqual(person(1));
        if (!isAtomic) return;
        expect(await other.load(2)).toBeUndefined();
        expect(await source.flush([put(2, 'right')], fence(7))).toEqual({ kind: 'saved' });
      });
    });
  });
}

const IDS: FlushGuard = { kind: 'ids' };

function fence(n: number): FlushGuard & { readonly kind: 'fence' } {
  return { kind: 'fence', cluster: 'ours', n };
}

function person(id: number): Person {
  return { id, name: `person ${id}`, email: `${id}@example.org`, age: 30, weight: 70.5, isActive: true };
}

function put(key: number, name: string, revision = 1, email: string | null = null): Change<number, Person> {
  return { id: nanoid(), key, value: { ...person(key), name, email }, revision };
}

function removal(key: number): Change<number, Person> {
  return { id: nanoid(), key, value: undefined, revision: 1 };
}
