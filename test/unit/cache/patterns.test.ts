// The patterns upon stores of this process: what is answered, from where, and what the source is asked.
import { expect, test } from 'vitest';
import { memory, readThrough, tiers, type WritableSource, writeThrough } from '../../../src/cache/public.ts';

type User = { readonly id: number; readonly name: string };

function table(rows: readonly User[]) {
  const kept = new Map(rows.map((row) => [row.id, row]));
  const loads: number[] = [];
  const source: WritableSource<number, User> = {
    name: 'table',
    async load(id) {
      loads.push(id);
      return kept.get(id);
    },
    async save(id, user) {
      kept.set(id, user);
      return user;
    },
    remove: async (id) => kept.delete(id),
    async ping() {},
    async close() {},
  };
  return { source, loads };
}

const ada: User = { id: 1, name: 'Ada' };
const two = () => tiers([memory({ name: 'near' }), memory({ name: 'far' })]);

test('a value comes from the source once, then from the nearest tier', async () => {
  const { source, loads } = table([ada]);
  const users = readThrough({ store: two(), source, ttl: '1h' });
  const first = await users.look(1);
  expect([first.value, first.from, first.status]).toEqual([
    ada,
    'table',
    'far; fwd=uri-miss; stored, near; fwd=uri-miss; stored',
  ]);
  const second = await users.look(1);
  expect([second.value, second.from]).toEqual([ada, 'near']);
  expect(second.status).toMatch(/^near; hit; ttl=\d+$/);
  expect(loads).toEqual([1]);
});

test('a hundred callers of a cold key share one load', async () => {
  const { source, loads } = table([ada]);
  const users = readThrough({ store: memory(), source, ttl: '1h' });
  const answers = await Promise.all(Array.from({ length: 100 }, () => users.get(1)));
  expect(answers).toEqual(Array(100).fill(ada));
  expect(loads).toEqual([1]);
});

test('an absent row is asked for each time, unless there is a negative TTL', async () => {
  const { source, loads } = table([]);
  const without = readThrough({ store: memory(), source, ttl: '1h' });
  const remembering = readThrough({ store: memory(), source, ttl: '1h', negativeTtl: '1m' });
  for (const cache of [without, without, remembering, remembering]) expect(await cache.get(9)).toBeUndefined();
  expect(loads).toEqual([9, 9, 9]);
});

test('what was written through is read without the source, and what was removed is not there', async () => {
  const { source, loads } = table([ada]);
  const users = writeThrough({ store: two(), source, ttl: '1h', negativeTtl: '1m' });
  await users.get(1);
  await users.put(1, { id: 1, name: 'Grace' });
  expect(await users.get(1)).toEqual({ id: 1, name: 'Grace' });
  expect(await users.remove(1)).toBe(true);
  expect(await users.get(1)).toBeUndefined();
  expect(loads).toEqual([1]);
});

test('an invalidation by tag, key or as a whole makes the next read load', async () => {
  const { source, loads } = table([ada]);
  const users = readThrough({ store: two(), source, ttl: '1h', tags: () => ['users'] });
  await users.get(1);
  await users.invalidate({ tags: ['others'] });
  await users.get(1);
  expect(loads).toHaveLength(1);
  for (const what of [{ tags: ['users'] }, { keys: [1] }, { all: true }] as const) {
    const before = loads.length;
    await users.invalidate(what);
    await users.get(1);
    await users.get(1);
    expect(loads).toHaveLength(before + 1);
  }
});
