// The row about the store: what a key costs and how long it takes, outside the heap, in a Map, and in a real Redis.
import type { Contest, Row } from './contest.ts';
import { measureRedis } from './store-redis.ts';
import { KEY_BYTES, measureStore, type StoreKind, VALUE_BYTES } from './store-side.ts';

const TIME = { unit: 'µs', better: 'less' } as const;

export const storeRow: Row = {
  name: 'store',
  help: `keys of ${KEY_BYTES} B with values of ${VALUE_BYTES} B: bytes, times and worst stall under 100,000 updates/s, beside a Map, and Redis over its protocol`,
  needs: ['redis'],
  figures: {
    'bytes per key': { unit: 'B', better: 'less' },
    get: TIME,
    put: TIME,
    delete: TIME,
    // Of the thread's own processor time: on a shared machine the clock also shows what the others took.
    'worst stall': { unit: 'ms', better: 'less' },
  },
  warmsUp: false,
  async open({ keys, seconds }): Promise<Contest> {
    const storeOf = (name: string, kind: StoreKind) => ({
      name,
      async measure() {
        const figures = await measureStore({ kind, keys, seconds });
        return { ...timesOf(figures), 'worst stall': figures.stallProcessorMs };
      },
    });
    const redis = { name: 'Redis', measure: async () => timesOf(await measureRedis(keys, KEY_BYTES, VALUE_BYTES)) };
    return {
      contestants: [storeOf('outside the heap', 'off-heap'), storeOf('a Map', 'map'), redis],
      close: async () => {},
    };
  },
};

type Times = { readonly bytesPerKey: number; readonly get: number; readonly put: number; readonly delete: number };

function timesOf({ bytesPerKey, get, put, delete: deleted }: Times) {
  return { 'bytes per key': bytesPerKey, get, put, delete: deleted };
}
