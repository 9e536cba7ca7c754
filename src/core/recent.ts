// Recent outcomes by (caller, id): what makes a retry on any node harmless. Two generations, turned over by log time.
import type { StateLimits } from './commands/command.ts';
import { DigestSum, Hasher } from './hash.ts';
import { OUTCOME_CODES, type Outcome, type Verdict } from './outcome.ts';
import { readTransactionResult, writeTransactionResult } from './transaction-result.ts';

/** One remembered outcome as a snapshot holds it. `transaction` is written as transaction-result.ts says. */
export type OutcomeRow = {
  /** The caller's name, a line feed, the id. */
  readonly name: string;
  readonly hash: bigint;
  /** Its number (outcome.ts). */
  readonly code: number;
  readonly revision: number;
  readonly detail: bigint;
  readonly transaction: Uint8Array | undefined;
};

/** A generation as it stood at the cut. */
export type GenerationCut = {
  readonly startedAt: number;
  readonly size: number;
  /** May be read long after the cut. */
  rows(): Iterable<OutcomeRow>;
};

export type Remembered = { readonly hash: bigint; readonly outcome: Outcome };

export class RecentOutcomes {
  #younger = new Generation(0);
  #older = new Generation(0);
  /** How often a generation was turned over early because it was full. */
  earlyTurns = 0;

  get size(): number {
    return this.#younger.size + this.#older.size;
  }

  /** The cluster begins: what is remembered is remembered since now. */
  begin(now: number): void {
    this.#younger = new Generation(now);
    this.#older = new Generation(now);
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
    this.#younger = new Generation(now);
  }

  /** Both generations as they stand, the younger first. It costs nothing: rows are only ever added. */
  cut(): readonly [GenerationCut, GenerationCut] {
    return [this.#younger.cut(), this.#older.cut()];
  }

  /** Begins anew with empty generations that started then; their rows come by restoreRow. */
  restore(youngerStartedAt: number, olderStartedAt: number): void {
    this.#younger = new Generation(youngerStartedAt);
    this.#older = new Generation(olderStartedAt);
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
}

// One generation: a row number by name and the rows in columns, so that a million of them are a million strings and no objects.
class Generation {
  readonly startedAt: number;
  readonly digest = new DigestSum();
  readonly #rows = new Map<string, number>();
  readonly #hasher = new Hasher();
  #capacity = 64;
  #hashes = new BigUint64Array(this.#capacity);
  #codes = new Uint8Array(this.#capacity);
  #revisions = new Float64Array(this.#capacity);
  #details = new BigInt64Array(this.#capacity);
  /** By row, written as transaction-result.ts says. */
  readonly #transactions = new Map<number, Uint8Array>();
  #operations = 0;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Each operation of a transaction counts like an outcome: the bound is one of memory. */
  get weight(): number {
    return this.#rows.size + this.#operations;
  }

  find(name: string): Remembered | undefined {
    const row = this.#rows.get(name);
    if (row === undefined) return undefined;
    const code = OUTCOME_CODES[this.#codes[row] ?? 0];
    if (code === undefined) return undefined;
    const outcome = { code, revision: this.#revisions[row] ?? 0, detail: this.#details[row] ?? 0n, isRepeat: true };
    const written = this.#transactions.get(row);
    const transaction = written === undefined ? {} : { transaction: readTransactionResult(written) };
    return { hash: this.#hashes[row] ?? 0n, outcome: { ...outcome, ...transaction } };
  }

  add(name: string, hash: bigint, verdict: Verdict, revision: number): void {
    const code = OUTCOME_CODES.indexOf(verdict.code);
    const transaction = verdict.transaction === undefined ? undefined : writeTransactionResult(verdict.transaction);
    this.addRow({ name, hash, code, revision, detail: verdict.detail, transaction });
  }

  addRow({ name, hash, code, revision, detail, transaction }: OutcomeRow): void {
    const row = this.#rows.size;
    if (row === this.#capacity) this.#grow();
    this.#rows.set(name, row);
    this.#hashes[row] = hash;
    this.#codes[row] = code;
    this.#revisions[row] = revision;
    this.#details[row] = detail;
    this.#hasher.reset(2).text(name).bigint(hash).number(code).number(revision).bigint(detail);
    if (transaction !== undefined) {
      this.#transactions.set(row, transaction);
      this.#operations += readTransactionResult(transaction).operations.length;
      this.#hasher.bytes(transaction);
    }
    this.digest.add(this.#hasher);
  }

  cut(): GenerationCut {
    const { startedAt, size } = this;
    return { startedAt, size, rows: () => this.#read(size) };
  }

  *#read(size: number): Generator<OutcomeRow> {
    let row = 0;
    for (const name of this.#rows.keys()) {
      if (row === size) return;
      yield {
        name,
        hash: this.#hashes[row] ?? 0n,
        code: this.#codes[row] ?? 0,
        revision: this.#revisions[row] ?? 0,
        detail: this.#details[row] ?? 0n,
        transaction: this.#transactions.get(row),
      };
      row++;
    }
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#hashes = copyInto(new BigUint64Array(this.#capacity), this.#hashes);
    this.#codes = copyInto(new Uint8Array(this.#capacity), this.#codes);
    this.#revisions = copyInto(new Float64Array(this.#capacity), this.#revisions);
    this.#details = copyInto(new BigInt64Array(this.#capacity), this.#details);
  }
}

function copyInto<T extends { set(from: T): void }>(grown: T, from: T): T {
  grown.set(from);
  return grown;
}

function nameOf(caller: string, id: string): string {
  return `${caller}\n${id}`;
}
