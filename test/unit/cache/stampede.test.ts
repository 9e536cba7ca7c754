// A thousand callers of one key at the same time: one load, whether it is cold or stale, and whether the source is well or down.
import { describe, expect, test } from 'vitest';
import { CacheError, memory, readThrough } from '../../../src/cache/public.ts';
import { ManualClock, manualWorld } from '../../manual-world.ts';

const CALLERS = 1000;

/** A source whose loads wait until the test ends them. */
function scene() {
  const clock = new ManualClock();
  const world = manualWorld(clock);
  const loads: { resolve(value: string): void; reject(error: CacheError): void }[] = [];
  const source = {
    name: 'source',
    load: () => new Promise<string>((resolve, reject) => void loads.push({ resolve, reject })),
    async ping() {},
    async close() {},
  };
  const cache = readThrough<string, string>({ store: memory({ world }), source, ttl: '10s', grace: '1m', world });
  /** All callers have asked; those who can be served have been. */
  const crowd = async () => {
    const answers = Promise.allSettled(Array.from({ length: CALLERS }, () => cache.look('key')));
    await clock.settle();
    return { answers };
  };
  return { clock, cache, loads, crowd };
}

const DOWN = new CacheError('down', 'source', 'cannot be reached');

describe('a thousand parallel reads', () => {
  test('of a cold key are one load', async () => {
    const { crowd, loads } = scene();
    const { answers } = await crowd();
    expect(loads).toHaveLength(1);
    loads[0]?.resolve('value');
    expect(new Set((await answers).map(outcomeOf))).toEqual(new Set(['value']));
    expect(loads).toHaveLength(1);
  });

  test('of a cold key whose source is down are one attempt, and its error for all', async () => {
    const { crowd, loads } = scene();
    const { answers } = await crowd();
    loads[0]?.reject(DOWN);
    for (const answer of await answers) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'down' } });
    expect(loads).toHaveLength(1);
  });

  test('of a key whose source is down are one attempt within the grace, and all are served the stale value', async () => {
    const { clock, crowd, loads } = scene();
    const warm = await crowd();
    loads.shift()?.resolve('value');
    await warm.answers;
    await clock.move(11_000);
    const { answers } = await crowd();
    expect(loads).toHaveLength(1);
    loads[0]?.reject(DOWN);
    for (const answer of await answers) {
      expect(answer).toMatchObject({ status: 'fulfilled', value: { value: 'value', isStale: true } });
    }
    expect(loads).toHaveLength(1);
  });
});

function outcomeOf(answer: PromiseSettledResult<{ readonly value: string | undefined }>): unknown {
  return answer.status === 'fulfilled' ? answer.value.value : answer.reason;
}
