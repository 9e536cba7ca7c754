// Recent outcomes by (caller, id): what makes a retry on any node harmless. Two generations, turned over by log time.

import { DigestSum, Hasher } from '../base/hash.ts';
import type { StateLimits } from './commands/command.ts';
import { OUTCOME_CODES, type Outcome, type Verdict } from './outcome.ts';
import type { OutcomeRow, OutcomeRows } from './outcome-rows.ts';
import { readTransactionResult, writeTransactionResult } from './transaction-result.ts';

/** A generation as it stood at the cut. */
export type GenerationCut = {
  readonly startedAt: number;
  readonly size: number;
  /** May be read long after the cut; a row's bytes are views, good until the next row or command. */
  rows(): Iterable<OutcomeRow>;
};

export type Remembered = { readonly hash: bigint; readonly outcome: Outcome };

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
    this.#younger.add(nameOf(caller, id), hash, verdict, revision);
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
  restoreRow(generation: 'younger' | 'older', row: OutcomeRow): void {
    (generation === 'younger' ? this.#younger : this.#older).addRow(row);
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
  readonly digest = new DigestSum();
  readonly #rows: OutcomeRows;
  readonly #hasher = new Hasher();
  #operations = 0;

  constructor(startedAt: number, rows: OutcomeRows) {
    this.startedAt = startedAt;
    this.#rows = rows;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Each operation of a transaction counts like an outcome: the bound is one of memory. */
  get weight(): number {
    return this.#rows.size + this.#operations;
  }

  find(name: Uint8Array): Remembered | undefined {
    const row = this.#rows.find(name);
    const code = OUTCOME_CODES[row?.code ?? 0];
    if (row === undefined || code === undefined) return undefined;
    const { hash, revision, detail } = row;
    const transaction = row.transaction === undefined ? {} : { transaction: readTransactionResult(row.transaction) };
    return { hash, outcome: { code, revision, detail, isRepeat: true, ...transaction } };
  }

  add(name: Uint8Array, hash: bigint, verdict: Verdict, revision: number): void {
    const code = OUTCOME_CODES.indexOf(verdict.code);
    const transaction = verdict.transaction === undefined ? undefined : writeTransactionResult(verdict.transaction);
    this.addRow({ name, hash, code, revision, detail: verdict.detail, transaction });
  }

  addRow(row: OutcomeRow): void {
    const { name, hash, code, revision, detail, transaction } = row;
    this.#rows.add(row);
    this.#hasher.reset(2).bytes(name).bigint(hash).number(code).number(revision).bigint(detail);
    if (transaction !== undefined) {
      this.#operations += readTransactionResult(transaction).operations.length;
      this.#hasher.bytes(transaction);
    }
    this.digest.add(this.#hasher);
  }

  cut(): GenerationCut {
    const { startedAt, size } = this;
    return { startedAt, size, rows: () => this.#rows.first(size) };
  }
}

/** A view, good until the next name is made. */
function nameOf(caller: string, id: string): Uint8Array {
  let length = 0;
  for (let i = 0; i < caller.length; i++) nameBytes[length++] = caller.charCodeAt(i);
  nameBytes[length++] = LINE_FEED;
  for (let i = 0; i < id.length; i++) nameBytes[length++] = id.charCodeAt(i);
  return nameBytes.subarray(0, length);
}

const LINE_FEED = 10;
/** Caller and id are at most 255 Latin-1 characters each. */
const nameBytes = new Uint8Array(255 + 1 + 255);
