// Recent outcomes by (caller, id): what makes a retry on any node harmless. Two generations, turned over by log time.
import { ByteWriter } from '../base/bytes.ts';
import type { Hasher } from '../base/hash.ts';
import { type Row, valueOfRow } from '../base/row.ts';
import type { StateLimits } from './commands/command.ts';
import type { Verdict } from './outcome.ts';
import { OUTCOME_BYTES, type Remembered, readOutcome, writeOutcome } from './outcome-bytes.ts';
import type { KeptOutcome, OutcomeRows } from './outcome-rows.ts';

/** A generation as it stood at the cut. */
export type GenerationCut = {
  readonly startedAt: number;
  readonly size: number;
  /** May be read long after the cut; each is good until the next row or command. */
  rows(): Iterable<KeptOutcome>;
};

export class RecentOutcomes {
  readonly #newRows: () => OutcomeRows;
  #younger: Generation;
  #older: Generation;
  /** How often a generation was turned over early because it was full. */
  earlyTurns = 0;

  constructor(newRows: () => OutcomeRows) {
    this.#newRows = newRows;
    this.#younger = this.#generation(0);
    this.#older = this.#generation(0);
  }

  get size(): number {
    return this.#younger.size + this.#older.size;
  }

  /** The cluster begins: what is remembered is remembered since now. */
  begin(now: number): void {
    this.#younger = this.#generation(now);
    this.#older = this.#generation(now);
  }

  /** Milliseconds of log time for which an id is remembered at least, as things stand. */
  windowMs(now: number): number {
    return Math.max(0, now - this.#older.startedAt);
  }

  /** The first outcome of the id, marked as a repeat. */
  find(caller: string, id: string): Remembered | undefined {
    const name = nameOf(caller, id);
    return this.#younger.find(name) ?? this.#older.find(name);
  }

  add(caller: string, id: string, hash: bigint, verdict: Verdict, revision: number): void {
    const keyLength = nameOf(caller, id).length;
    writeOutcome(scratch, hash, verdict);
    this.#younger.add({ ...PLAIN, ...scratch.written, keyLength, valueLength: scratch.length - keyLength, revision });
  }

  /** To be called before a command is judged. */
  turn(now: number, limits: StateLimits): void {
    const isFull = this.#younger.weight >= limits.maxOutcomes;
    if (!isFull && now - this.#younger.startedAt < limits.outcomeWindowMs) return;
    if (isFull) this.earlyTurns++;
    this.#older = this.#younger;
    this.#younger = this.#generation(now);
  }

  /** Both generations as they stand, the younger first. It costs nothing: rows are only ever added. */
  cut(): readonly [GenerationCut, GenerationCut] {
    return [this.#younger.cut(), this.#older.cut()];
  }

  /** Begins anew with empty generations that started then; their rows come by restoreRow. */
  restore(youngerStartedAt: number, olderStartedAt: number): void {
    this.#younger = this.#generation(youngerStartedAt);
    this.#older = this.#generation(olderStartedAt);
  }

  /** Throws Malformed. */
  restoreRow(generation: 'younger' | 'older', row: Row): void {
    (generation === 'younger' ? this.#younger : this.#older).add(row);
  }

  hashInto(hasher: Hasher): void {
    hasher.number(this.earlyTurns);
    for (const generation of [this.#younger, this.#older]) {
      hasher.number(generation.startedAt).number(generation.size);
      hasher.number(generation.digest.high).number(generation.digest.low);
    }
  }

  #generation(startedAt: number): Generation {
    return new Generation(startedAt, this.#newRows());
  }
}

class Generation {
  readonly startedAt: number;
  readonly #rows: OutcomeRows;
  #operations = 0;

  constructor(startedAt: number, rows: OutcomeRows) {
    this.startedAt = startedAt;
    this.#rows = rows;
  }

  get size(): number {
    return this.#rows.size;
  }

  get digest(): OutcomeRows['digest'] {
    return this.#rows.digest;
  }

  /** Each operation of a transaction counts like an outcome: the bound is one of memory. */
  get weight(): number {
    return this.#rows.size + this.#operations;
  }

  find(name: Uint8Array): Remembered | undefined {
    const kept = this.#rows.find(name);
    return kept === undefined ? undefined : readOutcome(kept.value, kept.revision);
  }

  add(row: Row): void {
    this.#rows.add(row);
    if (row.valueLength <= OUTCOME_BYTES.withDetail) return;
    const { outcome } = readOutcome(valueOfRow(row), row.revision);
    this.#operations += outcome.transaction?.operations.length ?? 0;
  }

  cut(): GenerationCut {
    const { startedAt, size } = this;
    return { startedAt, size, rows: () => this.#rows.first(size) };
  }
}

/** name = caller:text8 id:text8. A view of what `scratch` begins with, good until the next name is made. */
function nameOf(caller: string, id: string): Uint8Array {
  scratch.clear();
  scratch.text8(caller);
  scratch.text8(id);
  return scratch.peek(0);
}

const scratch = new ByteWriter(1024);
const PLAIN = { at: 0, contentType: '', expiresAt: 0 };
