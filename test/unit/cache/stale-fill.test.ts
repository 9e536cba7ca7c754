// No fill is stale: loads and writes played in every order, over one store that two processes share.
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../../src/cache/errors.ts';
import type { AtomicStore, CacheStore, WritableSource } from '../../../src/cache/ports.ts';
import type { Cache } from '../../../src/cache/read-through.ts';
import { slotted } from '../../../src/cache/slotted.ts';
import { tiers } from '../../../src/cache/tiers.ts';
import type { CacheWorld } from '../../../src/cache/world.ts';
import { writeThrough } from '../../../src/cache/write-through.ts';
import { ManualClock, manualWorld } from '../../manual-world.ts';
import { mapPlace } from '../../suites/map-store.ts';
import { pausing } from '../../suites/pausing-store.ts';
import { type Actor, everySchedule, type Pause, type Scene, someSchedules } from '../../suites/schedules.ts';

describe('a stale fill is impossible', () => {
  test('with one load and one write, whatever the order of their accesses', async () => {
    const { schedules, faults } = await everySchedule(() => stage(({ reader, writer }) => [reader(), writer(1)]));
    expect(schedules).toBeGreaterThan(150);
    expect(faults).toEqual([]);
  });

  test('with a load of a key that a write removes, and where absent rows are remembered', async () => {
    const { faults } = await everySchedule(() => stage(({ reader, remover }) => [reader(), remover()]));
    expect(faults).toEqual([]);
  });

  test('with one load and two writers, call by call', async () => {
    const scene = () => stage(({ reader, writer }) => [reader(), writer(1), writer(2)], byCall);
    const { schedules, faults } = await everySchedule(scene);
    expect(schedules).toBeGreaterThan(900);
    expect(faults).toEqual([]);
  });

  test('with two writers alone, whatever the order of their accesses', async () => {
    const { faults } = await everySchedule(() => stage(({ writer }) => [writer(1), writer(2)]));
    expect(faults).toEqual([]);
  });

  test('with two loads and two writers, in 2,000 orders of their accesses', async () => {
    const scene = () => stage(({ reader, writer, remover }) => [reader(), reader(), writer(1), remover()]);
    const { faults } = await someSchedules(scene, 2000, 1);
    expect(faults).toEqual([]);
  });

  test('with a write beside the cache that is followed by an invalidation', async () => {
    for (const what of ['key', 'tag', 'all'] as const) {
      const tags = what === 'tag' ? ['tag'] : [];
      const scene = () => stage(({ reader, invalidator }) => [reader(), invalidator(what)], byAccess, tags);
      expect((await everySchedule(scene)).faults).toEqual([]);
    }
  });

  test('with two tiers, of which the nearer is filled from the farther', async () => {
    const pair = () => stage(({ reader, writer }) => [reader(), writer(1)], twoTiers);
    expect((await everySchedule(pair)).faults).toEqual([]);
    const crowd = () =>
      stage(({ reader, writer, invalidator }) => [reader(), reader(), writer(1), invalidator('key')], twoTiers);
    expect((await someSchedules(crowd, 2000, 2)).faults).toEqual([]);
  });
});

describe('a stale fill is impossible where one access both reads and plants', () => {
  test('with one load and one write, or with a write that removes', async () => {
    const writing = await everySchedule(() => stage(({ reader, writer }) => [reader(), writer(1)], planting));
    expect(writing.schedules).toBeGreaterThan(30);
    expect(writing.faults).toEqual([]);
    const removing = await everySchedule(() => stage(({ reader, remover }) => [reader(), remover()], planting));
    expect(removing.faults).toEqual([]);
  });

  test('with two loads, two writers and an invalidation, in 2,000 orders of their accesses', async () => {
    const cast = ({ reader, writer, remover, invalidator }: Kit) => {
      return [reader(), reader(), writer(1), remover(), invalidator('key')];
    };
    expect((await someSchedules(() => stage(cast, planting), 2000, 3)).faults).toEqual([]);
  });
});

describe('a stale value does not stay', () => {
  test('when the writer loses the answer of the database, or dies, once its hold is over', async () => {
    const pair = () => stage(({ reader, loser }) => [reader(), loser(1)]);
    expect((await everySchedule(pair)).faults).toEqual([]);
    const three = () => stage(({ reader, writer, loser }) => [reader(), writer(1), loser(2)], byCall);
    expect((await everySchedule(three)).faults).toEqual([]);
  });

  test('in a near tier that is filled from a far one while that is being invalidated', async () => {
    const scene = () => stage(({ reader, invalidator }) => [reader(), invalidator('key')], farWarm);
    expect((await everySchedule(scene)).faults).toEqual([]);
  });
});

describe('the orders that show it find a stale fill', () => {
  test('where the store does not compare: a cache as most write it', async () => {
    const scene = () => stage(({ reader, invalidator }) => [reader(), invalidator('key')], comparingNothing);
    expect((await everySchedule(scene)).faults.length).toBeGreaterThan(0);
  });

  test('where two writers do not hold', async () => {
    const scene = () => stage(({ writer }) => [writer(1), writer(2)], holdingNothing);
    expect((await everySchedule(scene)).faults.length).toBeGreaterThan(0);
  });
});

type Kit = {
  /** A process that reads the key once. */
  reader(): Actor;
  writer(value: number): Actor;
  remover(): Actor;
  /** Its write is committed, but it never hears of it. */
  loser(value: number): Actor;
  /** Writes the database itself, then invalidates. */
  invalidator(what: 'key' | 'tag' | 'all'): Actor;
};
/** The store of one process, upon places that all processes share. */
type Compose = (
  open: (place: 'near' | 'far', before?: Pause, how?: 'open' | 'openPlanting') => AtomicStore,
  pause: Pause,
  world: CacheWorld,
) => CacheStore;

const KEY = 'key';
const HOLDS_ARE_OVER_MS = 60_000;
const BESIDE = -1;

/** The database counts its commits; a read that begins after a write has ended must not be answered from before its commit. */
async function stage(
  cast: (kit: Kit) => readonly Actor[],
  compose: Compose = byAccess,
  tags: readonly string[] = [],
): Promise<Scene> {
  const clock = new ManualClock();
  const places = { near: mapPlace(() => clock.wallMs()), far: mapPlace(() => clock.wallMs()) };
  const commits: (number | undefined)[] = [0];
  let ended = 0;
  let processes = 0;

  const world = () => manualWorld(clock, `p${++processes}`);
  const cacheOf = (pause: Pause) => {
    const own = world();
    const store = compose((place, before, how = 'open') => places[place][how](before), pause, own);
    const source = database(commits, pause);
    const options = {
      store,
      source,
      ttl: '1h',
      negativeTtl: '1h',
      tags: (key: string) => (key === KEY ? tags : ['tag']),
      world: own,
    } as const;
    return writeThrough<string, number>(options);
  };
  const indexOf = (value: number | undefined) => commits.lastIndexOf(value);
  const write = (
    change: (cache: ReturnType<typeof cacheOf>, pause: Pause) => Promise<unknown>,
    value: number | undefined,
  ): Actor => {
    return async (pause) => {
      await change(cacheOf(pause), pause);
      ended = Math.max(ended, indexOf(value));
    };
  };
  const read = async (cache: Cache<string, number>) => {
    const floor = ended;
    const value = await cache.get(KEY);
    if (indexOf(value) < floor) throw new Error(`read ${value}, which ended before commit ${floor} of ${commits}`);
  };

  // The stores' moments and the tag's exist: their making is not what is shown here.
  await cacheOf(async () => {}).get('another key');
  if (compose === farWarm) await cacheOf(async () => {}).get(KEY);
  if (compose === farWarm) places.near.clear();
  const kit: Kit = {
    reader: () => (pause) => read(cacheOf(pause)),
    writer: (value) => write((cache) => cache.put(KEY, value), value),
    loser: (value) => (pause) => {
      const lost = cacheOf(pause).write(KEY, async () => {
        await pause();
        commits.push(value);
        throw new CacheError('unknown', 'database', 'the connection broke');
      });
      return lost.then(undefined, () => {});
    },
    remover: () => write((cache) => cache.remove(KEY), undefined),
    invalidator: (what) =>
      write(async (cache, pause) => {
        await pause();
        commits.push(BESIDE);
        await cache.invalidate(INVALIDATIONS[what]);
      }, BESIDE),
  };
  return {
    actors: cast(kit),
    async check() {
      clock.stopFor(HOLDS_ARE_OVER_MS);
      const cache = cacheOf(async () => {});
      const value = await cache.get(KEY);
      if (value !== commits.at(-1)) throw new Error(`the cache has ${value} in the end, the database ${commits}`);
    },
  };
}

const byAccess: Compose = (open, pause, world) => slotted(open('far', pause), { world });

const planting: Compose = (open, pause, world) => slotted(open('far', pause, 'openPlanting'), { world });

const byCall: Compose = (open, pause, world) => pausing(slotted(open('far'), { world }), pause);

const twoTiers: Compose = (open, pause, world) => {
  const both = (['near', 'far'] as const).map((place) => pausing(slotted(open(place), { world }), pause));
  return tiers(both, { world });
};

/** The same, where the far tier has the key already. */
const farWarm: Compose = (open, pause, world) => twoTiers(open, pause, world);

/** As most write it: a fill sets what was loaded, whatever happened meanwhile. */
const comparingNothing: Compose = (open, pause, world) => {
  const store = slotted(open('far'), { world });
  return pausing({ ...store, fill: (key, entry) => store.put(key, entry) }, pause);
};

const holdingNothing: Compose = (open, pause, world) => {
  const store = slotted(open('far'), { world });
  return pausing({ ...store, hold: async () => 'none', put: (key, entry) => store.put(key, entry) }, pause);
};

const INVALIDATIONS = { key: { keys: [KEY] }, tag: { tags: ['tag'] }, all: { all: true } } as const;

function database(commits: (number | undefined)[], pause: Pause): WritableSource<string, number> {
  return {
    name: 'database',
    async load() {
      await pause();
      return commits.at(-1);
    },
    async save(_, value) {
      await pause();
      commits.push(value);
      return value;
    },
    async remove() {
      await pause();
      commits.push(undefined);
      return true;
    },
    async ping() {},
    async close() {},
  };
}
