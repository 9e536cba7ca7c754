// What must hold of evictions and of full memory at every revision of the replay, and at its end.
import type { Command, Evict, StateLimits } from '../../src/core/commands/command.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { State } from '../../src/core/state.ts';
import type { KeyState } from './replay.ts';

/** More than any entry of the simulated clients takes. */
const ENTRY_BYTES = 200;

export class EvictionFacts {
  readonly faults: string[] = [];
  readonly #state: State;
  /** After the command before. */
  #keys = 0;
  #bytes = 0;

  constructor(state: State) {
    this.#state = state;
  }

  /** After each command, before what it did to its keys is noted in `byKey`. */
  note(command: Command, outcome: Outcome, byKey: ReadonlyMap<string, readonly KeyState[]>): void {
    const { keyspace, limits, revision } = this.#state;
    if (limits === undefined) return;
    if (command.type === 'evict' && outcome.code === 'deleted') this.#judge(command, limits, byKey);
    const { maxKeys, maxMemoryBytes, eviction } = limits;
    const lag = eviction === 'none' ? 1 : 1.1;
    const mostBytes = maxMemoryBytes * lag + (eviction === 'none' ? 0 : ENTRY_BYTES);
    if (keyspace.keys > this.#keys && keyspace.keys > Math.ceil(maxKeys * lag))
      this.faults.push(`there were ${keyspace.keys} keys at ${revision}, where ${maxKeys} may be`);
    if (keyspace.bytes > this.#bytes && keyspace.bytes > mostBytes)
      this.faults.push(`there were ${keyspace.bytes} bytes at ${revision}, where ${maxMemoryBytes} may be`);
    this.#keys = keyspace.keys;
    this.#bytes = keyspace.bytes;
  }

  /** When all is quiet, nothing is above the limits that might be evicted. */
  noteEnd(): void {
    const { keyspace, limits } = this.#state;
    if (limits === undefined || !this.#state.isOverfull) return;
    const hasMortal = keyspace.expired(Number.MAX_SAFE_INTEGER, 1).length > 0;
    if (limits.eviction === 'lru' || (limits.eviction === 'ttl' && hasMortal))
      this.faults.push(`${keyspace.keys} keys and ${keyspace.bytes} bytes were left, and nobody evicted any`);
  }

  #judge(evict: Evict, limits: StateLimits, byKey: ReadonlyMap<string, readonly KeyState[]>): void {
    const key = Buffer.from(evict.key).toString('latin1');
    const what = `${key}@${this.#state.revision} was evicted`;
    const stood = byKey.get(key)?.at(-1)?.seen ?? 0;
    const hadRoom = this.#keys <= limits.maxKeys && this.#bytes <= limits.maxMemoryBytes;
    if (limits.eviction === 'none') this.faults.push(`${what}, which the policy forbids`);
    if (hadRoom) this.faults.push(`${what}, though there was room`);
    if (stood !== evict.revision) this.faults.push(`${what}, though it had been written since`);
  }
}
