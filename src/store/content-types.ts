// Content types by small numbers: there are few of them, however many entries.

/** As many as fit a byte beside 0, which is none's. */
const MAX_INTERNED = 255;

export class ContentTypes {
  readonly #texts: string[] = ['', ''];
  readonly #numbers = new Map<string, number>([['', 1]]);
  #last = 1;

  /** 0 for one that came too late to have a number. */
  numberOf(text: string): number {
    if (text === this.#texts[this.#last]) return this.#last;
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      this.#last = known;
      return known;
    }
    if (this.#texts.length > MAX_INTERNED) return 0;
    this.#numbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  text(number: number): string {
    return this.#texts[number] as string;
  }
}
