// What a thousand callers of one key at the same time cost its source: one load, whether it is cold or stale, well or down.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemWorld } from '../../src/base/system-world.ts';
import { CacheError, type CacheStore, type CacheWorld, readThrough, tiers } from '../../src/cache/public.ts';

const CALLERS = 1000;
/** For a loaded machine: the callers wait for one another. */
const PATIENCE = { timeout: 60_000, interval: 5 };

/** `open` gives an empty store. */
export function stampede(name: string, open: (world: CacheWorld) => CacheStore): void {
  describe(`upon ${name} a thousand parallel reads`, () => {
    const opened: { close(): Promise<void> }[] = [];
    afterEach(async () => {
      for (const cache of opened.splice(0)) await cache.close();
    });

    /** A source whose loads wait until the test ends them, and a clock that may be put forward. */
    function scene() {
      let aheadMs = 0;
      const clock = { ...systemWorld.clock, wallMs: () => Date.now() + aheadMs };
      const world = { ...systemWorld, clock };
      const loads: { resolve(value: string): void; reject(error: CacheError): void }[] = [];
      const source = {
        name: 'source',
        load: () => new Promise<string>((resolve, reject) => void loads.push({ resolve, reject })),
        async ping() {},
        async close() {},
      };
      const kept = open(world);
      let looked = 0;
      const counted: CacheStore = {
        ...kept,
        async get(...args) {
          const found = await servedAtLast(() => kept.get(...args));
          looked += 1;
          return found;
        },
      };
      const store = tiers([{ store: counted, timeout: '1m' }], { world });
      const cache = readThrough<string, string>({ store, source, ttl: '1h', grace: '1h', loadTimeout: '2m', world });
      opened.push(cache);
      /** All have looked in the store, and one of them has asked the source. */
      const crowd = async () => {
        looked = 0;
        const answers = Promise.allSettled(Array.from({ length: CALLERS }, () => cache.look('key')));
        await vi.waitFor(() => expect([looked, loads.length > 0]).toEqual([CALLERS, true]), PATIENCE);
        return { answers };
      };
      const putForward = (ms: number) => {
        aheadMs += ms;
      };
      return { cache, loads, crowd, putForward };
    }

    test('of a cold key are one load', async () => {
      const { crowd, loads } = scene();
      const { answers } = await crowd();
      loads[0]?.resolve('value');
      expect(distinct(await answers)).toEqual(['source: value']);
      expect(loads).toHaveLength(1);
    });

    test('of a cold key whose source is down are one attempt, and its error for all', async () => {
      const { crowd, loads } = scene();
      const { answers } = await crowd();
      loads[0]?.reject(new CacheError('down', 'source', 'cannot be reached'));
      expect(distinct(await answers)).toEqual(['down']);
      expect(loads).toHaveLength(1);
    });

    test('of a key whose source is down are one attempt within the grace, and all are served the stale value', async () => {
      const { cache, crowd, loads, putForward } = scene();
      const first = cache.get('key');
      await vi.waitFor(() => expect(loads).toHaveLength(1), PATIENCE);
      loads.shift()?.resolve('value');
      await first;
      putForward(3_700_000);
      const { answers } = await crowd();
      loads[0]?.reject(new CacheError('down', 'source', 'cannot be reached'));
      expect(distinct(await answers)).toEqual([expect.stringMatching(/^stale from \w+: value$/)]);
      expect(loads).toHaveLength(1);
    });
  });
}

/** A node refuses what comes too fast for the machine that it runs on; whoever waits a little is served. Anything else fails at once. */
async function servedAtLast<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + PATIENCE.timeout; ; await delay(PATIENCE.interval)) {
    try {
      return await ask();
    } catch (error) {
      const isRefused = error instanceof CacheError && error.code === 'full';
      if (!isRefused || performance.now() > deadline) throw error;
    }
  }
}

type Looked = { readonly value: string | undefined; readonly from: string; readonly isStale: boolean };

/** What all of them got, each thing once. */
function distinct(answers: readonly PromiseSettledResult<Looked>[]): readonly string[] {
  const texts = answers.map((answer) => {
    if (answer.status === 'rejected') return answer.reason instanceof CacheError ? answer.reason.code : 'another error';
    const { value, from, isStale } = answer.value;
    return `${isStale ? 'stale from ' : ''}${from}: ${value}`;
  });
  return [...new Set(texts)];
}
