// What watchers of a cluster of real processes must be told, whichever nodes they come back to.
import { expect } from 'vitest';
import { EventStream, type ServerEvent } from './event-stream.ts';

/** Follows `prefix` from `since` at the addresses in turn, going on by Last-Event-ID wherever a stream ends, until told to stop. */
export class Follower {
  streams = 0;
  lastId: string;
  readonly #urls: () => string;
  readonly #prefix: string;
  #stream: EventStream | undefined;
  /** Of streams that ended. */
  readonly #past: ServerEvent[] = [];
  #isStopped = false;
  readonly #done: Promise<void>;

  constructor(urls: readonly string[], prefix: string, since: number) {
    let turn = 0;
    this.#urls = () => urls[turn++ % urls.length] ?? '';
    this.#prefix = prefix;
    this.lastId = String(since);
    this.#done = this.#run();
  }

  get events(): readonly ServerEvent[] {
    return [...this.#past, ...changesIn(this.#stream)];
  }

  /** Ends its stream, so that it goes on at the next address. */
  move(): void {
    this.#stream?.close();
  }

  async has(count: number, timeoutMs = 60_000): Promise<void> {
    await expect.poll(() => this.events.length, { timeout: timeoutMs }).toBeGreaterThanOrEqual(count);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stream?.close();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const headers = { 'Last-Event-ID': this.lastId };
      const target = `/v1/watch?prefix=${encodeURIComponent(this.#prefix)}`;
      this.#stream = await EventStream.open(this.#urls(), target, headers).catch(() => undefined);
      const stream = this.#stream;
      if (stream?.status === 200) {
        this.streams++;
        if (this.#isStopped) stream.close();
        await stream.until('end', () => stream.ending !== undefined, 120_000);
        this.#past.push(...changesIn(stream));
        this.#stream = undefined;
        if (stream.lastId !== '') this.lastId = stream.lastId;
      } else {
        stream?.close();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

function changesIn(stream: EventStream | undefined): ServerEvent[] {
  return stream?.events.filter(({ event }) => event !== 'end') ?? [];
}
