// The parts that an application stands on, and whether each is there: asked whenever somebody wants to know.
import type { TieredStore } from 'chorus/cache';

type PartHealth = {
  readonly name: string;
  readonly role: 'tier' | 'source' | 'queue';
  readonly state: 'ok' | 'down';
  /** Why it is down. */
  readonly reason?: string;
};

/** Never rejects, and ends in time. */
export type Part = () => Promise<readonly PartHealth[]>;

export type Health = { readonly status: 'ok' | 'degraded'; readonly parts: readonly PartHealth[] };

const PING_TIMEOUT_MS = 1_000;
/** No entry is ever kept under it. */
const PROBE_KEY = '~health';

/** Looks into all tiers: one that has just gone is noticed here, by its breaker, and one that is known to be away costs nothing. */
export function tierParts(store: TieredStore): Part {
  return shared(async () => {
    await store.look(PROBE_KEY, 'thorough');
    return store.health().map(({ name, state, reason }) => partOf(name, 'tier', state === 'ok' ? undefined : reason));
  });
}

/** A source or a queue: whatever has a name and can be pinged. */
export function pingedPart(role: PartHealth['role'], part: { readonly name: string; ping: Ping }): Part {
  return shared(async () => {
    const signal = AbortSignal.timeout(PING_TIMEOUT_MS);
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error(`${part.name}: no answer within ${PING_TIMEOUT_MS} ms`)));
    });
    try {
      await Promise.race([part.ping({ signal }), late]);
      return [partOf(part.name, role, undefined)];
    } catch (error) {
      return [partOf(part.name, role, error instanceof Error ? error.message : String(error))];
    }
  });
}

export async function healthOf(parts: readonly Part[]): Promise<Health> {
  const all = (await Promise.all(parts.map((part) => part()))).flat();
  return { status: all.every(({ state }) => state === 'ok') ? 'ok' : 'degraded', parts: all };
}

type Ping = (options: { readonly signal: AbortSignal }) => Promise<unknown>;

function partOf(name: string, role: PartHealth['role'], reason: string | undefined): PartHealth {
  return { name, role, ...(reason === undefined ? { state: 'ok' } : { state: 'down', reason }) };
}

/** Who asks while an answer is under way shares it. */
function shared(part: Part): Part {
  let underWay: ReturnType<Part> | undefined;
  return () => {
    underWay ??= part().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
