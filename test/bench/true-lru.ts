// True LRU over numbered keys: what approximate LRU is measured by.

/** Keys in a ring by their last use; place 0 is both ends. */
export class TrueLru {
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  #room: number;

  constructor(keys: number, capacity: number) {
    this.#older = new Int32Array(keys + 1);
    this.#newer = new Int32Array(keys + 1);
    this.#room = capacity;
  }

  /** Whether the key was there; now it is. */
  use(key: number): boolean {
    const place = key + 1;
    const wasThere = this.#newer[place] !== 0 || this.#older[0] === place;
    if (wasThere) this.#unlink(place);
    else if (this.#room > 0) this.#room--;
    else this.#unlink(this.#newer[0] as number);
    const newest = this.#older[0] as number;
    this.#link(newest, place);
    this.#link(place, 0);
    return wasThere;
  }

  #unlink(place: number): void {
    this.#link(this.#older[place] as number, this.#newer[place] as number);
    this.#newer[place] = 0;
  }

  #link(older: number, newer: number): void {
    this.#newer[older] = newer;
    this.#older[newer] = older;
  }
}
