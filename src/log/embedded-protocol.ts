// What the embedded log's two threads say to each other: the process's own thread asks, the worker thread owns the file.
import type { ExitCode } from '../base/errors.ts';

export type WorkerOptions = { readonly dir: string };

/**
 * Appends that go into one transaction together. `state` is shared: whoever first changes it from `waiting` decides whether the group is
 * written (`begun`, by the worker) or certainly is not (`cancelled`, by the caller's timeout).
 */
export type AppendGroup = {
  readonly group: number;
  readonly state: Int32Array;
  /** All payloads, one after the other; the n-th ends at `ends[n]`. */
  readonly bytes: Uint8Array;
  readonly ends: readonly number[];
};

export const GROUP_STATE = { waiting: 0, begun: 1, cancelled: 2 } as const;

/** Changes a waiting group's state; false when the other thread was first. */
export function decide(state: Int32Array, decision: 'begun' | 'cancelled'): boolean {
  return Atomics.compareExchange(state, 0, GROUP_STATE.waiting, GROUP_STATE[decision]) === GROUP_STATE.waiting;
}

export type ToWorker =
  | ({ readonly kind: 'append' } & AppendGroup)
  | { readonly kind: 'range'; readonly request: number }
  | { readonly kind: 'trim'; readonly request: number; readonly before: number }
  | { readonly kind: 'follow'; readonly follower: number; readonly from: number }
  /** One more batch may be fetched for this follower. */
  | { readonly kind: 'taken'; readonly follower: number }
  | { readonly kind: 'unfollow'; readonly follower: number }
  | { readonly kind: 'close' };

/** Records as they cross threads: one buffer for all payloads. */
export type PackedRecords = {
  readonly firstOffset: number;
  readonly timestamps: Float64Array;
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
};

export type Range = { readonly start: number; readonly end: number };

export type FromWorker =
  | { readonly kind: 'opened' }
  | { readonly kind: 'appended'; readonly group: number; readonly firstOffset: number }
  | { readonly kind: 'not-appended'; readonly group: number; readonly isUnknown: boolean; readonly reason: string }
  | { readonly kind: 'range'; readonly request: number; readonly range: Range }
  | { readonly kind: 'failed'; readonly request: number; readonly reason: string }
  | ({ readonly kind: 'records'; readonly follower: number } & PackedRecords)
  | { readonly kind: 'out-of-range'; readonly follower: number; readonly wanted: number; readonly range: Range }
  /** The worker has ended: nothing can be read or written here any more. */
  | { readonly kind: 'fatal'; readonly exitCode: ExitCode; readonly reason: string }
  | { readonly kind: 'closed' };
