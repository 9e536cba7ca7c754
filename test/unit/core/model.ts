// The state machine as a plain object: what clients may expect of their commands, written a second time, as simply as can be.
import type { Expire, KeyCommand, StateLimits } from '../../../src/core/commands/command.ts';
import type { RevisionSet } from '../../../src/core/condition.ts';
import { ENTRY_OVERHEAD_BYTES } from '../../../src/core/keyspace.ts';
import type { Outcome, OutcomeCode } from '../../../src/core/outcome.ts';

export type ModelCommand = {
  readonly id: string;
  readonly caller: string;
  readonly deadline: number;
  readonly command: KeyCommand | Expire;
};

type ModelEntry = { value: string; type: string; revision: number; expiresAt: number };

type Result = { code: OutcomeCode; detail: bigint };
type Remembered = { meaning: string; outcome: Outcome };

const FINAL: readonly OutcomeCode[] = [
  'created',
  'replaced',
  'deleted',
  'touched',
  'done',
  'not-found',
  'condition-failed',
  'not-an-integer',
  'overflow',
  'value-too-large',
];

/** Keys and values are strings of Latin-1 characters. */
export class Model {
  /** Expired entries stay in until something removes them: they take room. */
  readonly entries = new Map<string, ModelEntry>();
  readonly limits: StateLimits;
  now: number;
  revision: number;
  #younger: { since: number; known: Map<string, Remembered> };
  #older: { since: number; known: Map<string, Remembered> };

  /** The cluster begins at `now`, with its create-cluster applied. */
  constructor(limits: StateLimits, now: number, revision: number) {
    this.limits = limits;
    this.now = now;
    this.revision = revision;
    this.#younger = { since: now, known: new Map() };
    this.#older = this.#younger;
  }

  apply({ id, caller, deadline, command }: ModelCommand): Outcome {
    this.revision++;
    const outcome = ({ code, detail }: Result) => ({ code, detail, revision: this.revision, isRepeat: false });
    if (id === '') return outcome(this.#judge(deadline, command));
    this.#turn();
    const name = JSON.stringify([caller, id]);
    const meaning = meaningOf(command);
    const first = this.#younger.known.get(name) ?? this.#older.known.get(name);
    if (first !== undefined) {
      return first.meaning === meaning ? { ...first.outcome, isRepeat: true } : outcome(result('id-reused'));
    }
    const judged = outcome(this.#judge(deadline, command));
    if (FINAL.includes(judged.code)) this.#younger.known.set(name, { meaning, outcome: judged });
    return judged;
  }

  /** The entry as clients see it. */
  entry(key: string): ModelEntry | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || (entry.expiresAt !== 0 && entry.expiresAt <= this.now) ? undefined : entry;
  }

  get bytes(): number {
    return [...this.entries].reduce((sum, [key, entry]) => sum + sizeOf(key, entry), 0);
  }

  #turn(): void {
    const isFull = this.#younger.known.size >= this.limits.maxOutcomes;
    if (!isFull && this.now - this.#younger.since < this.limits.outcomeWindowMs) return;
    this.#older = this.#younger;
    this.#younger = { since: this.now, known: new Map() };
  }

  #judge(deadline: number, command: KeyCommand | Expire): Result {
    if (deadline !== 0 && this.now > deadline) return result('deadline');
    const key = textOf(command.key);
    if (command.type === 'expire') return this.#expire(key, command.revision);
    const old = this.entry(key);
    const { match, noneMatch } = command.condition;
    if ((match !== 'none' && !isIn(match, old)) || (noneMatch !== 'none' && isIn(noneMatch, old))) {
      return { code: 'condition-failed', detail: BigInt(old?.revision ?? 0) };
    }
    const expiresAt = 'ttlMs' in command && command.ttlMs > 0 ? this.now + command.ttlMs : 0;
    switch (command.type) {
      case 'put':
        return this.#store(key, textOf(command.value), command.contentType, expiresAt);
      case 'delete':
        if (old === undefined) return result('not-found');
        this.entries.delete(key);
        return result('deleted');
      case 'touch':
        if (old === undefined) return result('not-found');
        this.entries.set(key, { ...old, revision: this.revision, expiresAt });
        return result('touched');
      case 'append': {
        const value = (old?.value ?? '') + textOf(command.value);
        const stored = this.#store(key, value, old?.type ?? command.contentType, old?.expiresAt ?? expiresAt);
        return isStored(stored) ? { code: 'done', detail: BigInt(value.length) } : stored;
      }
      case 'increment': {
        const text = old?.value ?? '0';
        if (!/^(0|-?[1-9]\d{0,18})$/.test(text) || !isInt64(BigInt(text))) return result('not-an-integer');
        const number = BigInt(text) + command.by;
        if (!isInt64(number)) return result('overflow');
        const type = old?.type ?? 'text/plain; charset=utf-8';
        const stored = this.#store(key, String(number), type, old?.expiresAt ?? expiresAt);
        return isStored(stored) ? { code: 'done', detail: number } : stored;
      }
    }
  }

  #expire(key: string, revision: number): Result {
    const entry = this.entries.get(key);
    if (entry?.revision !== revision || this.entry(key) !== undefined) return result('stale');
    this.entries.delete(key);
    return result('deleted');
  }

  #store(key: string, value: string, type: string, expiresAt: number): Result {
    const old = this.entries.get(key);
    const isCreated = this.entry(key) === undefined;
    const entry = { value, type, revision: this.revision, expiresAt };
    if (value.length > this.limits.maxValueBytes) return result('value-too-large');
    const growth = sizeOf(key, entry) - (old === undefined ? 0 : sizeOf(key, old));
    if (old === undefined && this.entries.size >= this.limits.maxKeys) return result('memory-full');
    if (growth > 0 && this.bytes + growth > this.limits.maxMemoryBytes) return result('memory-full');
    this.entries.set(key, entry);
    return result(isCreated ? 'created' : 'replaced');
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function result(code: OutcomeCode): Result {
  return { code, detail: 0n };
}

function isStored({ code }: Result): boolean {
  return code === 'created' || code === 'replaced';
}

function isIn(set: Exclude<RevisionSet, 'none'>, entry: ModelEntry | undefined): boolean {
  return entry !== undefined && (set === 'any' || set.includes(entry.revision));
}

function isInt64(number: bigint): boolean {
  return number === BigInt.asIntN(64, number);
}

function sizeOf(key: string, entry: ModelEntry): number {
  return key.length + entry.value.length + entry.type.length + ENTRY_OVERHEAD_BYTES;
}

function meaningOf(command: KeyCommand | Expire): string {
  return JSON.stringify(command, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
