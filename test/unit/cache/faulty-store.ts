// A store that a test can take away: it hangs, or refuses, and keeps what it had.
import { CacheError } from '../../../src/cache/errors.ts';
import type { CacheStore } from '../../../src/cache/ports.ts';

type Mood = 'well' | 'down' | 'hung' | 'refusing';

type FaultyStore = CacheStore & {
  mood: Mood;
  /** Calls that reached it, whatever became of them. */
  readonly calls: string[];
};

export function faulty(store: CacheStore): FaultyStore {
  const calls: string[] = [];
  const { isLocal: _, ...remote } = store;
  const through =
    <Args extends readonly unknown[], Result>(name: string, call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      calls.push(name);
      if (self.mood === 'hung') return await new Promise<Result>(() => {});
      if (self.mood === 'down') throw new CacheError('down', store.name, 'connection refused');
      const isRefused = self.mood === 'refusing' && name === 'put' && args[1] !== undefined;
      if (isRefused) throw new CacheError('refused', store.name, 'too large');
      return await call(...args);
    };
  const self: FaultyStore = {
    ...remote,
    mood: 'well',
    calls,
    get: through('get', store.get),
    fill: through('fill', store.fill),
    hold: through('hold', store.hold),
    put: through('put', store.put),
    invalidate: through('invalidate', store.invalidate),
  };
  return self;
}
