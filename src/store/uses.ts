// Which entries were not used for long: a coarse clock that goes by the keys that come and go, and a sweep that looks at a part of the entries.
import type { HashIndex } from './hash-index.ts';
import { type Records, TICKS } from './records.ts';

/** Ticks while as many keys come or go as there are: where each new key makes an old one go, an entry's age is told to 1/256 of a whole turnover, up to 16. */
const TICKS_PER_TURN = 128;
/** Entries looked at for each one that is chosen: the least used tenth of them goes. */
const LOOKED_AT = 10;
/** At least so many, for the choice among few. */
const LEAST_LOOKED_AT = 100;

export class Uses {
  readonly #records: Records;
  readonly #index: HashIndex;
  #changes = 0;
  /** Where the next sweep begins: so that every entry is looked at in its turn. */
  #place = 0;

  constructor(records: Records, index: HashIndex) {
    this.#records = records;
    this.#index = index;
  }

  /** A key came or went. While none does, nothing is to be told apart: then nothing is evicted either. */
  keysChanged(): void {
    if (++this.#changes < this.#index.size / TICKS_PER_TURN) return;
    this.#changes = 0;
    this.#records.tick = (this.#records.tick + 1) % TICKS;
  }

  /** The units of at most `limit` records whose keys `mayGo`, those used least of the ones that are looked at this time. */
  least(limit: number, mayGo: (key: Uint8Array) => boolean): number[] {
    const lookedAt = Math.min(Math.max(limit * LOOKED_AT, LEAST_LOOKED_AT), this.#index.size);
    const units = new Int32Array(lookedAt);
    const ages = new Uint16Array(lookedAt);
    const counts = new Uint32Array(TICKS + 1);
    let count = 0;
    this.#place = this.#index.sweep(this.#place, lookedAt, (unit) => {
      const age = this.#records.idleTicks(unit);
      units[count] = unit;
      ages[count++] = age;
      counts[age + 1] = (counts[age + 1] as number) + 1;
    });
    const byAge = sorted(units, ages, counts);
    const chosen: number[] = [];
    for (let at = lookedAt - 1; at >= 0 && chosen.length < limit; at--) {
      const unit = byAge[at] as number;
      if (mayGo(this.#records.key(unit))) chosen.push(unit);
    }
    return chosen;
  }
}

/** By counting: `counts[age + 1]` says how many there are of each age. The youngest first. */
function sorted(units: Int32Array, ages: Uint16Array, counts: Uint32Array): Int32Array {
  const byAge = new Int32Array(units.length);
  for (let age = 1; age < counts.length; age++) counts[age] = (counts[age] as number) + (counts[age - 1] as number);
  for (let at = 0; at < units.length; at++) {
    const age = ages[at] as number;
    const place = counts[age] as number;
    counts[age] = place + 1;
    byAge[place] = units[at] as number;
  }
  return byAge;
}
