// Listing keys: one page in byte order, bounded in entries, in bytes of values, and in the keys that are looked at for it.
import { LIST_LIMITS } from '../base/limits.ts';
import type { Clock } from '../base/world.ts';
import { clientKeysAfter } from '../core/cache-records.ts';
import { type Entry, isExpired } from '../core/keyspace.ts';
import type { Machine } from '../core/machine.ts';
import type { EstimatedLogTime } from './estimate.ts';
import type { Reached } from './positions.ts';
import type { ListedEntry, ListRequest, Page } from './requests.ts';

export type ListingOptions = {
  readonly machine: Machine;
  readonly estimate: EstimatedLogTime;
  readonly clock: Clock;
  /** Until this replica may answer. */
  reach(request: ListRequest, deadlineAt: number): Promise<Reached>;
  /** Until a further record is applied. */
  nextRecord(deadlineAt: number): Promise<Reached>;
};

export type PageFound =
  | { readonly kind: 'listed'; readonly page: Page }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'interrupted' };

/** Waits as a read of one key does, then lists. An eventual page goes by estimated log time, the others by log time itself. */
export async function listPage(options: ListingOptions, request: ListRequest): Promise<PageFound> {
  const { machine, estimate, clock } = options;
  const deadlineAt = clock.monotonicMs() + request.timeoutMs;
  const reached = await options.reach(request, deadlineAt);
  if (reached !== 'reached') return { kind: reached };
  const estimatedAt = estimate.now();
  if (request.consistency === 'eventual') return { kind: 'listed', page: pageAt(machine, request, estimatedAt) };
  for (;;) {
    const page = pageAt(machine, request, machine.state.time.now);
    // An entry that eventual reads hid already must not come back: only a further record tells whether it is gone.
    if (!page.entries.some(({ expiresAt }) => expiresAt !== 0 && expiresAt <= estimatedAt)) {
      return { kind: 'listed', page };
    }
    const moved = await options.nextRecord(deadlineAt);
    if (moved !== 'reached') return { kind: moved };
  }
}

function pageAt({ state }: Machine, request: ListRequest, logTime: number): Page {
  const { prefix, limit, withValues } = request;
  const { keyspace, revision } = state;
  const entries: ListedEntry[] = [];
  let { after } = request;
  let lookedAt = 0;
  let valueBytes = 0;
  while (entries.length < limit && lookedAt < LIST_LIMITS.maxLookedAt) {
    const wanted = Math.min(limit - entries.length, LIST_LIMITS.maxLookedAt - lookedAt);
    const keys = clientKeysAfter(keyspace, prefix, after, wanted);
    lookedAt += keys.length;
    for (const key of keys) {
      const entry = keyspace.get(key);
      if (entry !== undefined && !isExpired(entry, logTime)) {
        valueBytes += withValues ? entry.value.length : 0;
        const isFull = valueBytes > LIST_LIMITS.maxValueBytes && entries.length > 0;
        if (isFull) return { entries, last: after, revision };
        entries.push(listed(key, entry, withValues));
      }
      after = key;
    }
    if (keys.length < wanted) return { entries, last: undefined, revision };
  }
  const hasMore = clientKeysAfter(keyspace, prefix, after, 1).length > 0;
  return { entries, last: hasMore ? after : undefined, revision };
}

function listed(key: Uint8Array, entry: Entry, withValue: boolean): ListedEntry {
  const { value, contentType, revision, expiresAt } = entry;
  const copy = withValue ? Buffer.from(value) : undefined;
  return { key, bytes: value.length, contentType, revision, expiresAt, value: copy };
}
