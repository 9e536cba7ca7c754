// What the drill's clients asked and were told, and what the log says became of it: kept as lines of JSON, so that it can be judged again.
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OutcomeCode } from '../../src/core/outcome.ts';

export type RegisterAction = 'get' | 'put' | 'create' | 'replace' | 'delete';

/** One request upon a register. Times in ms after the start. */
export type HistoryEntry = {
  readonly client: string;
  /** Through whom: the balancer or a node. */
  readonly via: string;
  readonly key: string;
  readonly action: RegisterAction;
  readonly id: string;
  /** The value written; no two are the same. */
  readonly argument: string;
  /** Of replace: the value that had the ETag which was sent. */
  readonly expected?: string;
  readonly start: number;
  readonly end: number;
  /** 0: no answer came. */
  readonly status: number;
  /** Of the ETag; 0 without one. */
  readonly revision: number;
  /** What a get read. */
  readonly body: string;
  readonly saysNotApplied: boolean;
};

/** What became of an id in the log. */
export type Fate = {
  readonly id: string;
  /** Its outcome: the first that is remembered, else the last. */
  code: OutcomeCode;
  revision: number;
  /** How often it was applied as something new: more than once is a doubling. */
  applied: number;
  repeats: number;
};

export type Kept = { readonly history: readonly HistoryEntry[]; readonly fates: ReadonlyMap<string, Fate> };

const HISTORY = 'history.jsonl';
const FATES = 'fates.jsonl';

export async function keep(directory: string, { history, fates }: Kept): Promise<void> {
  await writeLines(join(directory, HISTORY), history);
  await writeLines(join(directory, FATES), fates.values());
}

/** Rejects where the directory holds no history. */
export async function readKept(directory: string): Promise<Kept> {
  const history = await readLines<HistoryEntry>(join(directory, HISTORY));
  const fates = await readLines<Fate>(join(directory, FATES));
  return { history, fates: new Map(fates.map((fate) => [fate.id, fate])) };
}

async function writeLines(path: string, values: Iterable<unknown>): Promise<void> {
  await pipeline(Readable.from(linesOf(values)), createWriteStream(path));
}

function* linesOf(values: Iterable<unknown>): Generator<string> {
  for (const value of values) yield `${JSON.stringify(value)}\n`;
}

async function readLines<T>(path: string): Promise<T[]> {
  const values: T[] = [];
  // Written by this file alone.
  for await (const line of createInterface({ input: createReadStream(path) })) values.push(JSON.parse(line) as T);
  return values;
}
