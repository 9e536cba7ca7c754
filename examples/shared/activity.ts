// What an application's cache did since its start: counted from the library's events, kept for the page.
import type { CacheEvent, Observe } from 'chorus/cache';

type RecentAnswer = {
  /** Wall clock, milliseconds since 1970 UTC. */
  readonly atMs: number;
  readonly key: string;
  readonly from: string;
  readonly isFound: boolean;
  readonly isStale: boolean;
};

export type ActivityState = {
  /** How many answers came from each place, in the order in which the places first answered. */
  readonly answers: Readonly<Record<string, number>>;
  readonly loads: { readonly ended: number; readonly failed: number; readonly meanMs: number };
  /** The newest first. */
  readonly recent: readonly RecentAnswer[];
};

export type Activity = {
  /** To be handed to the cache. */
  readonly observe: Observe;
  state(): ActivityState;
  /** Called after each event, until the function that it gives back is called. */
  onChange(listener: () => void): () => void;
};

const RECENT_KEPT = 12;

export function createActivity(): Activity {
  const answers = new Map<string, number>();
  const listeners = new Set<() => void>();
  let recent: readonly RecentAnswer[] = [];
  let ended = 0;
  let failed = 0;
  let totalMs = 0;

  function note(event: CacheEvent): void {
    if (event.kind === 'answered') {
      const { key, from, isFound, isStale } = event;
      answers.set(from, (answers.get(from) ?? 0) + 1);
      recent = [{ atMs: Date.now(), key, from, isFound, isStale }, ...recent].slice(0, RECENT_KEPT);
    }
    if (event.kind === 'loaded') {
      ended += 1;
      totalMs += event.tookMs;
      if (event.error !== undefined) failed += 1;
    }
  }

  return {
    observe(event) {
      note(event);
      for (const listener of listeners) listener();
    },
    state: () => ({
      answers: Object.fromEntries(answers),
      loads: { ended, failed, meanMs: ended === 0 ? 0 : totalMs / ended },
      recent,
    }),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
