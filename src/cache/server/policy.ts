// The policy of a cache on the server: a logged text that all nodes go by. `config.ts` gives the first one.
import { CACHE_LIMITS, CACHED_STATE_LIMITS, REQUEST_LIMITS } from '../../base/limits.ts';

export const PATTERNS = ['aside', 'through', 'behind'] as const;
/**
 * Reads are the same in all three: by the source's row where there is no entry. Writes: `aside` the entry alone (the source is
 * for others to write), `through` the source first, `behind` the log first and the source later.
 */
export type Pattern = (typeof PATTERNS)[number];

export type ServerPolicy = {
  readonly pattern: Pattern;
  /** How long a value is fresh; 0: for ever. */
  readonly ttlMs: number;
  /** How long it is remembered that there is no such row; 0: not at all. */
  readonly negativeTtlMs: number;
  /** How long after its time a value may be served while it is loaded anew, or cannot be. */
  readonly graceMs: number;
  /** Shortens each time to live by a random part of up to this. */
  readonly jitter: number;
  /** Whether one node loads for all others too. */
  readonly singleFlight: 'node' | 'cluster';
  readonly loadTimeoutMs: number;
  /** Not shorter than the source's own statement timeout. */
  readonly saveTimeoutMs: number;
  /** Write-behind: keys that the source has yet to take; more are refused. */
  readonly maxUnsaved: number;
  /** Of one flush. */
  readonly maxBatch: number;
  /** How long a write waits for others to be flushed with it. */
  readonly maxDelayMs: number;
  /** How often the source may refuse a write before it is given up and listed. */
  readonly maxRefusals: number;
};

export const DEFAULT_POLICY: ServerPolicy = {
  pattern: 'through',
  ttlMs: 3_600_000,
  negativeTtlMs: 0,
  graceMs: 0,
  jitter: 0,
  singleFlight: 'cluster',
  loadTimeoutMs: CACHE_LIMITS.loadTimeoutMs,
  saveTimeoutMs: CACHE_LIMITS.saveTimeoutMs,
  maxUnsaved: 100_000,
  maxBatch: 500,
  maxDelayMs: 100,
  maxRefusals: 3,
};

const BOUNDS: Readonly<Record<keyof Omit<ServerPolicy, 'pattern' | 'singleFlight'>, readonly [number, number]>> = {
  ttlMs: [0, REQUEST_LIMITS.maxTtlMs],
  negativeTtlMs: [0, REQUEST_LIMITS.maxTtlMs],
  graceMs: [0, REQUEST_LIMITS.maxTtlMs],
  jitter: [0, 0.9],
  loadTimeoutMs: [1, 60_000],
  saveTimeoutMs: [1, 60_000],
  maxUnsaved: [1, 100_000_000],
  maxBatch: [1, 1000],
  maxDelayMs: [0, 60_000],
  maxRefusals: [1, 100],
};

/** What is wrong with a policy; undefined: nothing. Members that are not known are wrong too. */
export function policyFault(policy: unknown): string | undefined {
  if (typeof policy !== 'object' || policy === null) return 'A policy is a JSON object.';
  for (const [name, value] of Object.entries(policy)) {
    if (!Object.hasOwn(DEFAULT_POLICY, name)) return `"${name}" is not part of a policy.`;
    if (name === 'pattern' && !PATTERNS.some((pattern) => pattern === value))
      return `"pattern" is one of ${PATTERNS.join(', ')}.`;
    if (name === 'singleFlight' && value !== 'node' && value !== 'cluster')
      return '"singleFlight" is "node" or "cluster".';
    const bounds = BOUNDS[name as keyof typeof BOUNDS];
    if (bounds === undefined) continue;
    const [least, most] = bounds;
    const isWhole = name === 'jitter' || Number.isInteger(value);
    if (typeof value !== 'number' || !isWhole || value < least || value > most)
      return `"${name}" is a ${name === 'jitter' ? '' : 'whole '}number from ${least} to ${most}.`;
  }
  if (JSON.stringify(policy).length > CACHED_STATE_LIMITS.maxPolicyBytes) return 'The policy is too long.';
  return undefined;
}

/** The policy that a logged text says; what it leaves out is as by default. */
export function readPolicy(text: string): ServerPolicy {
  const said: unknown = JSON.parse(text);
  const fault = policyFault(said);
  // Another node may know a newer member: what is known of it counts.
  return { ...DEFAULT_POLICY, ...(fault === undefined ? (said as Partial<ServerPolicy>) : {}) };
}
