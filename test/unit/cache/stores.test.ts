// The contract of the cache store for what needs no server: this process's memory, slots as bytes, and tiers.

import { slotted } from '../../../src/cache/slotted.ts';
import { memory } from '../../../src/cache/tiers/memory.ts';
import { tiers } from '../../../src/cache/tiers.ts';
import { atomicStoreContract } from '../../suites/atomic-store.ts';
import { cacheStoreContract } from '../../suites/cache-store.ts';
import { mapPlace } from '../../suites/map-store.ts';

cacheStoreContract('memory', async () => shared(memory()));
cacheStoreContract('slots as bytes', async () => shared(slotted(mapPlace().open(), { prefix: 'space:' })));
cacheStoreContract('two tiers', async () => shared(tiers([memory({ name: 'near' }), slotted(mapPlace().open())])));
atomicStoreContract('a map', async () => mapPlace().open());

/** In one process all handles are one. */
function shared<Store extends { close(): Promise<void> }>(store: Store) {
  return { open: async () => ({ ...store, close: async () => {} }), remove: () => store.close() };
}
