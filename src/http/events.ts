// Events as text/event-stream (the HTML standard, "Server-sent events"): each is encoded once, however many watch it.
import { WATCH_LIMITS } from '../base/limits.ts';
import { isRecordKey, keyWithin, readStored } from '../core/cache-records.ts';
import type { ChangeEvent, Position } from '../node/history.ts';
import { jsonTime, jsonValue } from './json-values.ts';

export const EVENT_TYPE = 'text/event-stream';

/** `9.1`: after the event at place 1 of the command with revision 9; `9`: after all of that command. */
export function positionText({ revision, place }: Position): string {
  return Number.isFinite(place) ? `${revision}.${place}` : String(revision);
}

/** Undefined for a text that is no position. */
export function readPosition(text: string): Position | undefined {
  const [, revision = '', place] = /^(\d{1,16})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  const position = {
    revision: Number(revision),
    place: place === undefined ? Number.POSITIVE_INFINITY : Number(place),
  };
  return revision !== '' && Number.isSafeInteger(position.revision) ? position : undefined;
}

/** A block without data is no event: it only moves on the id that a client comes back with. */
export function idBlock(position: Position, ...lines: readonly string[]): string {
  return [...lines, `id: ${positionText(position)}`, '', ''].join('\n');
}

export function dataBlock(event: string, position: Position, data: unknown): string {
  return `id: ${positionText(position)}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export class EventEncoder {
  readonly #maxBytes: number;
  // Two generations: the older one is forgotten when the younger one is full.
  #young = new Map<ChangeEvent, Buffer>();
  #old = new Map<ChangeEvent, Buffer>();
  #youngBytes = 0;

  constructor(maxBytes: number = WATCH_LIMITS.maxEncodedBytes) {
    this.#maxBytes = maxBytes;
  }

  encoded(events: readonly ChangeEvent[]): Buffer {
    const [first] = events;
    if (first !== undefined && events.length === 1) return this.#encoded(first);
    return Buffer.concat(events.map((event) => this.#encoded(event)));
  }

  #encoded(event: ChangeEvent): Buffer {
    const known = this.#young.get(event) ?? this.#old.get(event);
    if (known !== undefined) return known;
    const bytes = Buffer.from(dataBlock(event.change, event, dataOf(event)));
    if (this.#youngBytes + bytes.length > this.#maxBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(event, bytes);
    this.#youngBytes += bytes.length;
    return bytes;
  }
}

function dataOf(event: ChangeEvent): Record<string, unknown> {
  const { name, revision, change, expiresAt, contentType, value } = event;
  const bytes = Buffer.from(name, 'latin1');
  if (isRecordKey(bytes)) return cachedDataOf(event, keyWithin(bytes));
  const head = { key: bytes.toString('utf8'), revision, expiresAt: jsonTime(expiresAt) };
  return change === 'put' && value !== undefined ? { ...head, contentType, ...jsonValue(value) } : head;
}

/** Of an entry of a cache, or of many of them. */
function cachedDataOf(event: ChangeEvent, key: Uint8Array): Record<string, unknown> {
  const { revision, change, expiresAt, contentType, value } = event;
  const stored = value === undefined ? undefined : readStored({ value, contentType, revision, expiresAt });
  const tags = stored?.tags.map((tag) => Buffer.from(tag, 'latin1').toString('utf8')) ?? [];
  if (change === 'invalidate') return tags.length === 0 ? { revision, all: true } : { revision, tags };
  const head = { key: Buffer.from(key).toString('utf8'), revision, expiresAt: jsonTime(expiresAt) };
  if (stored === undefined) return head;
  const tagged = { ...head, ...(tags.length === 0 ? {} : { tags }) };
  // The source has no such row, or is to have none.
  if (stored.value === undefined) return { ...tagged, absent: true };
  return { ...tagged, contentType, ...jsonValue(stored.value) };
}
