// A reader of server-sent events for tests, as the HTML standard says they are read; beside the events it keeps the blocks that are none.
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export type ServerEvent = { readonly id: string; readonly event: string; readonly data: Record<string, unknown> };

export class EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly events: ServerEvent[] = [];
  /** Comments, one text each. */
  readonly comments: string[] = [];
  /** The id that a client comes back with. */
  lastId = '';
  /** How the answer ended: whole, or cut off in the middle. */
  ending: 'whole' | 'cut' | undefined;
  readonly #incoming: IncomingMessage;
  #text = '';
  #taken = 0;
  #wake: () => void = () => {};

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    this.status = incoming.statusCode ?? 0;
    this.headers = incoming.headers;
    incoming.setEncoding('utf8');
    incoming.on('data', (text: string) => this.#read(text));
    const end = () => {
      this.ending = incoming.complete ? 'whole' : 'cut';
      this.#wake();
    };
    incoming.on('error', () => {});
    incoming.on('close', end);
  }

  /** Rejects when there is no answer. */
  static async open(url: string, target: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const outgoing = request(url + target, { headers, agent: false });
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return new EventStream(incoming);
  }

  /** The next `count` events that were not taken yet; rejects when they do not come in time. */
  async take(count: number, timeoutMs = 60_000): Promise<ServerEvent[]> {
    await this.until(`${count} events`, () => this.events.length >= this.#taken + count, timeoutMs);
    this.#taken += count;
    return this.events.slice(this.#taken - count, this.#taken);
  }

  async until(what: string, isSo: () => boolean, timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!isSo()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no ${what} within ${timeoutMs} ms; ${this.events.length} events so far`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  pause(): void {
    this.#incoming.pause();
  }

  resume(): void {
    this.#incoming.resume();
  }

  close(): void {
    this.#incoming.destroy();
  }

  #read(text: string): void {
    this.#text += text;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) this.#block(block);
    this.#wake();
  }

  #block(block: string): void {
    let event = 'message';
    let data: string | undefined;
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      const [field, value] = [line.slice(0, colon), line.slice(colon + 1).trimStart()];
      if (field === '') this.comments.push(value);
      else if (field === 'id') this.lastId = value;
      else if (field === 'event') event = value;
      else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    }
    if (data !== undefined) this.events.push({ id: this.lastId, event, data: JSON.parse(data) });
  }
}
