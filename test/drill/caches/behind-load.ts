// The load of the write-behind drill: rows written and removed over all nodes, each again with the same id until its fate is known.
import { setTimeout as delay } from 'node:timers/promises';
import { writeUntilKnown } from '../known-write.ts';
import { type Answered, ask, type Question, type Target } from '../requests.ts';
import type { Tally } from '../tally.ts';
import type { WrittenKey } from './history-faults.ts';

type BehindLoad = {
  readonly nodes: readonly Target[];
  readonly keys: number;
  readonly lanes: number;
  /** Writes begun in a second at most; undefined: no bound. */
  rate(): number | undefined;
  random(): number;
};

export const CACHE = 'readings';
/** A lane must not wait long for a node that is stopped. */
const ATTEMPT_TIMEOUT_MS = 2000;
const REMOVALS = 0.05;
const LOOKS = 0.1;
/** These are written far more often than the others, so that some of them are in every flush. */
const HOT_KEYS = 32;
const HOT = 0.2;

type Known = { version: number; readonly removals: Set<number> };

/** Writes until `isEnough`; no two writes of one key at a time. Resolves with what was written. */
export async function loadBehind(
  load: BehindLoad,
  tally: Tally,
  isEnough: () => boolean,
): Promise<ReadonlyMap<string, WrittenKey>> {
  const written = new Map<string, Known>();
  let begun = 0;
  let allowed = 0;
  let filledAt = performance.now();
  const mayBegin = () => {
    const rate = load.rate();
    const now = performance.now();
    if (rate === undefined) return true;
    allowed = Math.min(rate, allowed + ((now - filledAt) / 1000) * rate);
    filledAt = now;
    if (allowed < 1) return false;
    allowed -= 1;
    return true;
  };
  const lane = async (at: number) => {
    while (!isEnough()) {
      if (!mayBegin()) {
        await delay(5);
        continue;
      }
      const among = load.random() < HOT ? HOT_KEYS : load.keys;
      const n = Math.floor((load.random() * among) / load.lanes) * load.lanes + at;
      await writeNext(load, tally, written, keyOf(n), begun++);
    }
  };
  await Promise.all(Array.from({ length: load.lanes }, (_, at) => lane(at)));
  return written;
}

function keyOf(n: number): string {
  return `reading-${n}`;
}

export function entryPath(key: string): string {
  return `/v1/caches/${CACHE}/entries/${key}`;
}

/** The version that an answer to a read shows; undefined: there is no such row. */
export function versionIn({ status, body }: Answered): number | undefined {
  return status === 404 ? undefined : (JSON.parse(body) as { readonly version: number }).version;
}

async function writeNext(load: BehindLoad, tally: Tally, written: Map<string, Known>, key: string, n: number) {
  const known = written.get(key) ?? { version: 0, removals: new Set() };
  written.set(key, known);
  const version = known.version + 1;
  const isRemoval = load.random() < REMOVALS;
  // Before it is known: should it never be, the table may show it.
  known.version = version;
  if (isRemoval) known.removals.add(version);
  const at = n % load.nodes.length;
  const [node, ...others] = [...load.nodes.slice(at), ...load.nodes.slice(0, at)];
  if (node === undefined) return;
  const expected = isRemoval ? undefined : version;
  const answer = await writeUntilKnown([node, ...others], questionOf(key, expected), tally, ATTEMPT_TIMEOUT_MS);
  if (answer !== undefined && load.random() < LOOKS)
    await look(others[0] ?? node, key, expected, answer.revision, tally);
}

function questionOf(key: string, version: number | undefined): Question {
  const path = entryPath(key);
  if (version === undefined) return { method: 'DELETE', path };
  const body = JSON.stringify({ id: key, version, note: `the reading of ${key}, for the ${version}th time` });
  return { method: 'PUT', path, headers: { 'content-type': 'application/json' }, body };
}

/** Another node, asked with the write's token, shows the write. Nobody else writes the key meanwhile. */
async function look(node: Target, key: string, expected: number | undefined, token: number, tally: Tally) {
  const headers = { 'chorus-min-revision': String(token) };
  const path = `${entryPath(key)}?consistency=session`;
  const answer = await ask(node, { method: 'GET', path, headers }, ATTEMPT_TIMEOUT_MS);
  if (answer.kind === 'lost' || (answer.status !== 200 && answer.status !== 404)) return;
  tally.reads += 1;
  const found = versionIn(answer);
  if (found !== expected)
    tally.fault('stale', `${key} is at ${found ?? 'none'} after its write ${expected ?? 'that removed it'}`);
}
