// The caches that a node serves: made of what config.ts declares, each with its source and, where it can be written behind, its flusher.
import { EXIT, FatalError } from '../../base/errors.ts';
import { json } from '../codec.ts';
import { CacheError } from '../errors.ts';
import type { CacheSource, FlushableSource, WritableSource } from '../ports.ts';
import type { CacheWorld } from '../world.ts';
import { CacheLog } from './cache-log.ts';
import { ClusterCache } from './cluster-cache.ts';
import { type AnySource, type CacheDeclaration, firstPolicy } from './declaration.ts';
import { Flusher } from './flusher.ts';
import type { Duty, Replica } from './replica.ts';

export type ServedCache = {
  readonly name: string;
  readonly cache: ClusterCache<unknown>;
  /** Undefined: its source takes no batches, so it cannot be written behind. */
  readonly flusher: Flusher<unknown> | undefined;
};

export type ServedCaches = ReadonlyMap<string, ServedCache>;
type TextKeyed = CacheSource<string, unknown> &
  Partial<WritableSource<string, unknown>> &
  Partial<Pick<FlushableSource<string, unknown>, 'flush' | 'adopt'>>;

export function serveCaches(
  declarations: Readonly<Record<string, CacheDeclaration>>,
  node: Replica & Duty,
  world: CacheWorld,
): ServedCaches {
  const served = Object.entries(declarations).map(([name, declaration]): [string, ServedCache] => {
    const policy = firstPolicy(name, declaration);
    const log = new CacheLog(name, node, policy);
    const source = textKeyed(declaration.source(), declaration.keyOf);
    const { flush } = source;
    const { tags } = declaration;
    const cache = new ClusterCache<unknown>({ log, source, world, ...(tags === undefined ? {} : { tags }) });
    if (flush === undefined && policy.pattern === 'behind') throw withoutFlush(name);
    if (flush === undefined) return [name, { name, cache, flusher: undefined }];
    const flusher = new Flusher<unknown>({ log, duty: node, source: { ...source, flush }, world, codec: json() });
    flusher.start();
    return [name, { name, cache, flusher }];
  });
  return new Map(served);
}

type CacheFigures = {
  /** Keys that the source has yet to take, those that it refused included. */
  readonly unsaved: number;
  /** Up to MAX_COUNTED. */
  readonly failed: number;
  /** Of the first MAX_COUNTED unsaved writes in the order of the keys. */
  readonly oldestUnsavedMs: number;
};
const MAX_COUNTED = 1000;

/** For metrics and pages. */
export function figuresOf({ name, cache: { log } }: ServedCache): CacheFigures {
  const ages = log.unsaved('waiting', undefined, MAX_COUNTED).map(({ ageMs }) => ageMs);
  return {
    unsaved: log.replica.unsavedNumber(name).count,
    failed: log.unsaved('failed', undefined, MAX_COUNTED).length,
    oldestUnsavedMs: Math.round(Math.max(0, ...ages)),
  };
}

/** To be called before the node stops: no flush begins any more. */
export async function closeCaches(caches: ServedCaches): Promise<void> {
  for (const { flusher } of caches.values()) flusher?.stop();
  await Promise.all([...caches.values()].map(({ cache }) => cache.close()));
}

function withoutFlush(name: string): FatalError {
  const what = `caches.${name}: its source takes no batches, so it cannot be written behind`;
  return new FatalError(EXIT.badConfiguration, `${what}. Choose the pattern through or aside, or another source.`);
}

/** The source with the texts of paths as its keys. */
function textKeyed(source: AnySource, keyOf: CacheDeclaration['keyOf'] = (text) => text): TextKeyed {
  // Sound: its keys are what keyOf makes, and its rows are what it gave.
  const inner = source as TextKeyed;
  const keyed = (text: string) => keyOf(text) as string | undefined;
  const required = (text: string) => {
    const key = keyed(text);
    if (key === undefined) throw new CacheError('refused', inner.name, 'there can be no row with such a key');
    return key;
  };
  const { save, remove, flush, adopt } = inner;
  return {
    name: inner.name,
    async load(text, call) {
      const key = keyed(text);
      return key === undefined ? undefined : inner.load(key, call);
    },
    ...(save && { save: async (text, row, call) => save.call(inner, required(text), row, call) }),
    ...(remove && { remove: async (text, call) => remove.call(inner, required(text), call) }),
    ...(flush && {
      async flush(changes, guard, call) {
        const own = changes.map((change) => ({ ...change, key: required(change.key) }));
        return flush.call(inner, own, guard, call);
      },
    }),
    ...(adopt && { adopt: async (found, cluster, call) => adopt.call(inner, found, cluster, call) }),
    ping: (call) => inner.ping(call),
    close: () => inner.close(),
  } satisfies TextKeyed;
}
