// The replica: follows the log, decodes each record and applies it, in slices, so that a node at full replay still answers.
import { InvariantBroken } from '../base/assert.ts';
import { EXIT, FatalError, messageOf } from '../base/errors.ts';
import { NODE_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { World } from '../base/world.ts';
import { type Decoded, decodeFrame, type Frame, type FrameCommand } from '../core/codec.ts';
import type { Disposition, Machine } from '../core/machine.ts';
import type { Outcome } from '../core/outcome.ts';
import { type CommitLog, type LogRecord, OffsetOutOfRange } from '../log/commit-log.ts';
import { leftBehind } from './fatal.ts';

export type ReplicaOptions = {
  readonly machine: Machine;
  readonly log: CommitLog;
  readonly world: World;
  readonly logger: Logger;
  readonly author: { readonly node: string; readonly incarnation: string };
  /** The outcome of each command of an own frame. */
  onOutcome(command: FrameCommand, outcome: Outcome): void;
  /** After each record. `own` is its frame if this node wrote it and it was applied. */
  onApplied(record: LogRecord, disposition: Disposition, own: Frame | undefined): void;
};

/** Thrown out of a batch to have its damaged records fetched once more. */
class ReadAgain extends Error {
  readonly suspects: ReadonlySet<number>;

  constructor(suspects: ReadonlySet<number>) {
    super('damaged records are read again');
    this.suspects = suspects;
  }
}

type Readable = Exclude<Decoded, { kind: 'newer' }>;

export class Replica {
  readonly #options: ReplicaOptions;
  /** Offsets of records that came damaged once, all in one batch: those that come so again every node has so. */
  #suspects: ReadonlySet<number> = new Set();

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** Follows until the signal aborts. Rejects with FatalError only: the node cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, machine } = this.#options;
    while (!signal.aborted) {
      try {
        const onRecords = (records: readonly LogRecord[]) => this.#applyAll(records, signal);
        await log.follow({ from: machine.nextOffset, onRecords, signal });
      } catch (error) {
        if (!(error instanceof ReadAgain)) throw fatal(error);
        this.#suspects = error.suspects;
      }
    }
  }

  async #applyAll(records: readonly LogRecord[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.world;
    let sliceStart = clock.monotonicMs();
    for (const [at, record] of records.entries()) {
      if (signal.aborted) return;
      const decoded = this.#decode(record);
      // All of the batch at once: whoever can fill the log with damage must not stop this node by it.
      if (decoded === 'read again') throw new ReadAgain(damagedIn(records.slice(at)));
      this.#apply(record, decoded);
      if (clock.monotonicMs() - sliceStart < NODE_LIMITS.applySliceMs) continue;
      await clock.nextTurn();
      sliceStart = clock.monotonicMs();
    }
  }

  #apply(record: LogRecord, decoded: Readable): void {
    const { machine, world, author, onOutcome, onApplied } = this.#options;
    world.fault('before-apply');
    const own = decoded.kind === 'frame' && isBy(author, decoded.frame) ? decoded.frame : undefined;
    const hear = own === undefined ? undefined : onOutcome;
    const disposition = machine.apply(record.offset, record.timestamp, decoded, hear);
    onApplied(record, disposition, disposition === 'applied' ? own : undefined);
  }

  #decode(record: LogRecord): Readable | 'read again' {
    const decoded = decodeFrame(record.payload);
    if (decoded.kind === 'newer') {
      throw new FatalError(
        EXIT.damagedData,
        `The log holds ${decoded.reason} at offset ${record.offset}, written by a later version of this program. Start that version on this node.`,
      );
    }
    if (decoded.kind === 'frame') return decoded;
    if (decoded.kind === 'damaged' && !this.#suspects.has(record.offset)) return 'read again';
    this.#options.logger.warn({ offset: record.offset, reason: decoded.reason }, 'ignored a record that is no frame');
    return decoded;
  }
}

function damagedIn(records: readonly LogRecord[]): ReadonlySet<number> {
  return new Set(records.filter(({ payload }) => decodeFrame(payload).kind === 'damaged').map(({ offset }) => offset));
}

function isBy({ node, incarnation }: ReplicaOptions['author'], frame: Frame): boolean {
  return frame.incarnation === incarnation && frame.node === node;
}

function fatal(error: unknown): FatalError {
  if (error instanceof FatalError) return error;
  if (error instanceof OffsetOutOfRange && error.wanted < error.start) return leftBehind(error.wanted, error.start);
  if (error instanceof OffsetOutOfRange) {
    return new FatalError(
      EXIT.damagedData,
      `The log no longer holds what this node needs: ${error.message}. Nothing was reset. Restore the log, or start this node with an empty data directory of a new cluster.`,
      { cause: error },
    );
  }
  const what = error instanceof InvariantBroken ? error.message : `applying the log failed: ${messageOf(error)}`;
  return new FatalError(EXIT.brokenAssertion, `${what}. This is a bug: please report it with the node's log.`, {
    cause: error,
  });
}
