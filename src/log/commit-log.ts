// The port of the commit log: one total order of records, bytes in, bytes out; the codec gives them meaning, node/ joins the two.

/** One record. `timestamp` is the log's own append time in ms since 1970; it may jump either way (core/log-time.ts tames it). */
export type LogRecord = { readonly offset: number; readonly timestamp: number; readonly payload: Uint8Array };

export type FollowOptions = {
  /** Offset of the first record wanted. */
  readonly from: number;
  /** Gets every record from `from` on, in order, once. The next batch but one is not fetched before it resolves. */
  onRecords(records: readonly LogRecord[]): Promise<void>;
  /** 'passing': nobody looks at a payload after its onRecords has resolved, so its memory may be used again. Default: it is for good. */
  readonly payloads?: 'passing';
  readonly signal: AbortSignal;
};

export type CommitLog = {
  /** Resolves when the record is durable (L2); rejects with AppendRefused or AppendUnknown; settles within its own timeout. */
  append(payload: Uint8Array): Promise<{ readonly offset: number }>;
  /** First offset still kept. */
  start(): Promise<number>;
  /** Offset after the last durable record. */
  end(): Promise<number>;
  /** The offset up to which records must be applied before a linearizable read that begins now; 'append': only an append can tell. */
  barrier(): Promise<number | 'append'>;
  /** Follows until the signal aborts (then resolves); rejects with OffsetOutOfRange, or with what onRecords rejected with. */
  follow(options: FollowOptions): Promise<void>;
  /** Drops all records below `before`, in slices. Offsets go on as if nothing had happened. */
  trim(before: number): Promise<void>;
  close(): Promise<void>;
};

/** The record is certainly not in the log and never will be by this append. `isPermanent`: the same bytes can never be taken. */
export class AppendRefused extends Error {
  readonly isPermanent: boolean;

  constructor(message: string, options: { isPermanent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'AppendRefused';
    this.isPermanent = options.isPermanent;
  }
}

/** The record may be in the log, or may still come to be in it. */
export class AppendUnknown extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AppendUnknown';
  }
}

/** The wanted offset was trimmed away (below `start`) or does not exist (above `end`). Never reset silently. */
export class OffsetOutOfRange extends Error {
  readonly wanted: number;
  readonly start: number;
  readonly end: number;

  constructor(wanted: number, start: number, end: number) {
    super(`offset ${wanted} is not in the log, which holds ${start} to ${end}`);
    this.name = 'OffsetOutOfRange';
    this.wanted = wanted;
    this.start = start;
    this.end = end;
  }
}
