// What may befall a record on its way to one process, once in a run: that it is another there than in the log, or is never given.
import type { LogRecord } from '../../src/log/commit-log.ts';
import { falsify } from './falsified.ts';
import type { Chances } from './scheduler.ts';
import type { Swarm } from './swarm.ts';

export class RecordFaults {
  /** The process that was given a record which the log does not hold. */
  falsified: string | undefined;
  /** The process that was never given one record. */
  skipped: string | undefined;
  readonly #chances: Chances;

  constructor(chances: Chances) {
    this.#chances = chances;
  }

  /** The record as the process is given it; undefined: it is not. */
  seen(swarm: Swarm, name: string, record: LogRecord): LogRecord | undefined {
    return this.#skips(swarm, name, record) ? undefined : this.#falsified(swarm, name, record);
  }

  /** A gap in the log as one process is given it: it must end itself rather than go on. */
  #skips({ skippedRecord }: Swarm, name: string, { offset }: LogRecord): boolean {
    const { mixing, scheduler } = this.#chances;
    if (skippedRecord === 0 || this.skipped !== undefined || mixing.random() >= skippedRecord) return false;
    scheduler.tell(name, () => `is never given the record at offset ${offset}`);
    this.skipped = name;
    return true;
  }

  /** A bit that flipped on the way to one process, behind the checksum: what only the digests can tell. */
  #falsified({ falsifiedRecord }: Swarm, name: string, record: LogRecord): LogRecord {
    const { falsifying, scheduler } = this.#chances;
    if (this.falsified !== undefined || falsifying.random() >= falsifiedRecord) return record;
    const payload = falsify(record.payload);
    if (payload === undefined) return record;
    scheduler.note(`falsified ${record.offset} for ${name}`);
    scheduler.tell(name, () => `is given another record than the log holds at offset ${record.offset}`);
    this.falsified = name;
    return { ...record, payload };
  }
}
