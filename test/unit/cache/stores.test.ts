// The contract of the cache store for what needs no server: this process's memory, slots as bytes, and tiers.

import { expect, test } from 'vitest';
import { slotted } from '../../../src/cache/slotted.ts';
import { memory } from '../../../src/cache/tiers/memory.ts';
import { tiers } from '../../../src/cache/tiers.ts';
import { ManualClock, manualWorld } from '../../manual-world.ts';
import { atomicStoreContract } from '../../suites/atomic-store.ts';
import { cacheStoreContract } from '../../suites/cache-store.ts';
import { mapPlace } from '../../suites/map-store.ts';

cacheStoreContract('memory', async () => shared(memory()));
cacheStoreContract('slots as bytes', async () => shared(slotted(mapPlace().open(), { prefix: 'space:' })));
cacheStoreContract('slots as bytes, planted at once', async () => shared(slotted(mapPlace().openPlanting())));
cacheStoreContract('two tiers', async () => shared(tiers([memory({ name: 'near' }), slotted(mapPlace().open())])));
atomicStoreContract('a map', async () => mapPlace().open());
atomicStoreContract('a map that plants', async () => mapPlace().openPlanting());

test('what another program left under a key is no entry, and is replaced by a fill', async () => {
  const place = mapPlace().open();
  const store = slotted(place);
  await place.swap('key', undefined, Buffer.from('{"id": 1, "name": "Ada"}'), 3_600_000);
  const { entry, note = '' } = await store.get('key');
  expect(entry).toBeUndefined();
  const expiresAtMs = Date.now() + 3_600_000;
  const filled = { value: Buffer.from('new'), freshUntilMs: expiresAtMs, expiresAtMs, tags: [] };
  expect(await store.fill('key', filled, note)).toBe(true);
  expect((await store.get('key')).entry?.value).toHaveLength(3);
});

test('a hold that joined one which ended by its time keeps nothing: the older write may come last in the source', async () => {
  const clock = new ManualClock();
  const store = slotted(mapPlace(() => clock.wallMs()).open(), { world: manualWorld(clock) });
  await store.hold('key', { forMs: 1000 });
  const hold = await store.hold('key', { forMs: 60_000 });
  await clock.move(5000);
  const expiresAtMs = clock.wallMs() + 3_600_000;
  const written = { value: Buffer.from('new'), freshUntilMs: expiresAtMs, expiresAtMs, tags: [] };
  expect(await store.put('key', written, hold)).toBe(false);
  expect((await store.get('key')).entry).toBeUndefined();
});

test('a hundred who come at once to an empty store try once each to make its beginning, and share one note', async () => {
  let swaps = 0;
  const place = mapPlace().open(async (access) => {
    if (access === 'swap') swaps += 1;
  });
  const store = slotted(place);
  const looked = await Promise.all(Array.from({ length: 100 }, () => store.get('key')));
  expect(new Set(looked.map(({ note }) => note)).size).toBe(1);
  // The store's moment, and the key's empty slot.
  expect(swaps).toBeLessThanOrEqual(200);
});

/** In one process all handles are one. */
function shared<Store extends { close(): Promise<void> }>(store: Store) {
  return { open: async () => ({ ...store, close: async () => {} }), remove: () => store.close() };
}
