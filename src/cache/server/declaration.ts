// How a cache of the server is declared in config.ts, and the first policy that it makes of that.
import { type Duration, milliseconds } from '../duration.ts';
import type { CacheSource, FlushableSource, WritableSource } from '../ports.ts';
import { DEFAULT_POLICY, type Pattern, policyFault, type ServerPolicy } from './policy.ts';

/** Whatever a source knows as key and row. */
export type AnySource =
  | CacheSource<never, unknown>
  | (WritableSource<never, unknown> & Partial<Pick<FlushableSource<never, unknown>, 'flush' | 'adopt'>>);

/** A cache as config.ts has it. All but the source make the first policy; later ones are logged (PUT …/policy), and win. */
export type CacheDeclaration = {
  /** Called once, by each node: `() => rows(sqliteDatabase({ file: 'users.db' }), { table: 'users', … })`. */
  readonly source: () => AnySource;
  /** The source's key of the text in the path; undefined: there can be no such row. Without it the text is the key. */
  readonly keyOf?: (text: string) => unknown;
  /** By which an entry can be invalidated with others. */
  readonly tags?: (key: string, row: unknown) => readonly string[];
  readonly pattern?: Pattern;
  /** How long a row is fresh; 1 h unless given. */
  readonly ttl?: Duration;
  /** How long it is remembered that there is no such row. */
  readonly negativeTtl?: Duration;
  /** How long after its time a row is served while it is loaded anew, or cannot be. */
  readonly grace?: Duration;
  readonly jitter?: number;
  readonly singleFlight?: ServerPolicy['singleFlight'];
  readonly loadTimeout?: Duration;
  readonly saveTimeout?: Duration;
  readonly maxUnsaved?: number;
  readonly maxBatch?: number;
  readonly maxDelay?: Duration;
  readonly maxRefusals?: number;
};

const DURATIONS = ['ttl', 'negativeTtl', 'grace', 'loadTimeout', 'saveTimeout', 'maxDelay'] as const;
const PLAIN = ['pattern', 'jitter', 'singleFlight', 'maxUnsaved', 'maxBatch', 'maxRefusals'] as const;
const MEMBERS: readonly string[] = ['source', 'keyOf', 'tags', ...DURATIONS, ...PLAIN];
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** Throws a TypeError that says what is wrong. */
export function firstPolicy(name: string, declaration: CacheDeclaration): ServerPolicy {
  if (!NAME.test(name)) throw new TypeError(`caches.${name}: a cache's name is 1 to 64 letters, digits, _ or -`);
  const strange = Object.keys(declaration).find((member) => !MEMBERS.includes(member));
  if (strange !== undefined) throw new TypeError(`caches.${name}.${strange}: there is no such setting of a cache`);
  if (typeof declaration.source !== 'function') throw new TypeError(`caches.${name}.source: a function is needed`);
  const policy: Record<string, unknown> = {};
  for (const member of DURATIONS) {
    const duration = declaration[member];
    if (duration !== undefined) policy[`${member}Ms`] = milliseconds(duration, `caches.${name}.${member}`);
  }
  for (const member of PLAIN) if (declaration[member] !== undefined) policy[member] = declaration[member];
  const fault = policyFault(policy);
  if (fault !== undefined) throw new TypeError(`caches.${name}: ${fault}`);
  return { ...DEFAULT_POLICY, ...policy };
}
