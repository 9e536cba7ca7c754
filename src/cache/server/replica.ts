// What caches on the server need of the node that they run in: one key by local state, commands to the log, and the duty.
//
// node/cache-access.ts fits these types; each command is one of the state machine (docs/architecture.md has the table).

export type Content = {
  /** Undefined: the source has no such row, or is to have none. */
  readonly value: Uint8Array | undefined;
  readonly contentType: string;
  /** 0: none. In write-behind it counts from when the source has it. */
  readonly ttlMs: number;
  readonly tags: readonly string[];
};

type OfCache = { readonly cache: string; readonly policy: number };
type OfKey = OfCache & { readonly key: Uint8Array };

export type Command =
  | (OfCache & { readonly type: 'cache-policy'; readonly text: Uint8Array })
  | (OfKey & {
      readonly type: 'cache-put';
      readonly hold: number;
      readonly maxUnsaved: number;
      readonly content: Content | undefined;
    })
  | (OfKey & { readonly type: 'cache-fill'; readonly since: number; readonly content: Content })
  | (OfKey & { readonly type: 'cache-hold'; readonly ttlMs: number })
  | (OfKey & { readonly type: 'cache-lease'; readonly since: number; readonly ttlMs: number })
  | (OfCache & {
      readonly type: 'cache-invalidate';
      readonly keys: readonly Uint8Array[];
      readonly tags: readonly string[];
      readonly isAll: boolean;
    })
  | (OfCache & {
      readonly type: 'cache-settle';
      readonly how: 'saved' | 'failed' | 'retry' | 'drop';
      readonly error: string;
      readonly writes: readonly { readonly key: Uint8Array; readonly revision: number }[];
    })
  | (OfCache & { readonly type: 'cache-drained'; readonly revision: number })
  | (OfCache & { readonly type: 'cache-adopt'; readonly n: number });

/** `revision` is the command's; as an entry's it is its ETag. */
export type Applied = { readonly code: string; readonly revision: number; readonly isRepeat: boolean };

export type Submitted =
  | { readonly kind: 'applied'; readonly id: string; readonly outcome: Applied }
  | { readonly kind: 'refused'; readonly id: string; readonly reason: string; readonly isUnknown: boolean }
  | { readonly kind: 'timed-out'; readonly id: string; readonly isUnknown: boolean };

/** One key as this replica has it. */
export type Look = {
  /** Applied here. */
  readonly revision: number;
  /** Of the latest thing that makes worthless what was loaded before. */
  readonly changedAt: number;
  /** Somebody writes the source: nothing may be filled. */
  readonly isHeld: boolean;
  /** Somebody loads it. */
  readonly isLeased: boolean;
  /** Revision of the record that says that the source refused what was written last. */
  readonly failed: number | undefined;
  readonly entry:
    | {
        readonly value: Uint8Array | undefined;
        readonly contentType: string;
        readonly revision: number;
        /** Infinity: it does not expire. */
        readonly leftMs: number;
        readonly isUnsaved: boolean;
      }
    | undefined;
};

export type UnsavedWrite = {
  readonly key: Uint8Array;
  /** To be shown when it is settled. */
  readonly revision: number;
  readonly ageMs: number;
  /** Why the source refused it; '' of what waits. */
  readonly error: string;
};

export type Replica = {
  /** '' before the cluster has a name. */
  readonly cluster: string;
  /** Applied here. */
  readonly revision: number;
  look(cache: string, key: Uint8Array): Look;
  policy(cache: string): { readonly text: string; readonly revision: number } | undefined;
  /** In the order of the keys, those after `after`. */
  unsaved(
    cache: string,
    which: 'waiting' | 'failed',
    after: Uint8Array | undefined,
    limit: number,
  ): readonly UnsavedWrite[];
  /** Of keys that the source has yet to take or refused; `revision`: of their latest change. Drained: no flush can commit any more. */
  unsavedNumber(cache: string): { readonly count: number; readonly isDrained: boolean; readonly revision: number };
  /** Resolves when it is in the log and applied here, or when that cannot be waited for. `id`: '' for what is harmless twice. */
  submit(command: Command, timeoutMs: number, id?: string, caller?: string): Promise<Submitted>;
  /** Until a further record is applied here, or the time is up. */
  news(timeoutMs: number): Promise<void>;
};

/** Whether this node is to do the cluster's chores. A hint, never a lock: two may hold it at once. */
export type Duty = { isOnDuty(): boolean };
