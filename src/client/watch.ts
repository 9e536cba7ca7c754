// A watch of the client: one stream of changes, gone on with at the next node wherever a node ends it or falls silent.
import { createParser } from 'eventsource-parser';
import { ChorusError, HistoryGoneError } from './errors.ts';
import { type Json, textIn, valueIn } from './json-values.ts';
import type { Change, WatchOptions } from './requests.ts';
import { target } from './targets.ts';
import type { ClientWorld, EventSource, Transport } from './transport.ts';

/** Three heartbeats of a node. */
const DEFAULT_SILENCE_MS = 45_000;
/** Above the largest value in its longest JSON form. */
const MAX_BLOCK_CHARACTERS = 16 * 1024 * 1024;
const PAUSE_MIN_MS = 25;
const PAUSE_MAX_MS = 1000;

type Options = WatchOptions & { readonly deadlineMs: number };
/** Where the watch stands: all changes up to this were handed out or are in hand. */
type Place = { id: string | undefined };

/**
 * A change is handed out once: a stream is gone on with after the last whole block that was read, and all that was read is handed
 * out before.
 */
export async function* watchChanges(
  transport: Transport,
  world: ClientWorld,
  options: Options,
): AsyncGenerator<Change, void, undefined> {
  const { prefix = '', cache, since, signal, silenceMs = DEFAULT_SILENCE_MS, deadlineMs } = options;
  const place: Place = { id: since === undefined ? undefined : String(since) };
  const { clock } = world;
  const isEnded = () => signal?.aborted === true || transport.isClosed;
  let heardAt = clock.monotonicMs();
  let gone = 0;
  for (let failures = 0; !isEnded(); ) {
    const headers: Record<string, string> = place.id === undefined ? {} : { 'last-event-id': place.id };
    const stream = await transport
      .openEvents(target('/v1/watch', { prefix, cache }), headers, signal)
      .catch((error: unknown) => {
        // Another node may have been up for longer, and have more.
        if (!(error instanceof HistoryGoneError) || ++gone === transport.addresses) throw error;
      });
    if (stream !== undefined) {
      for await (const changes of blocks(stream, place, silenceMs, world)) {
        failures = 0;
        gone = 0;
        heardAt = clock.monotonicMs();
        yield* changes;
      }
    }
    if (isEnded()) return;
    if (clock.monotonicMs() - heardAt > deadlineMs) throw unheard(place, deadlineMs);
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(failures++, 10));
    await pause(pauseMs * (0.5 + world.random() / 2), world, signal);
  }
}

/** The changes of each part of a stream that arrived, until it ends in whatever way. Always closes it. */
async function* blocks(
  stream: EventSource,
  place: Place,
  silenceMs: number,
  { clock }: ClientWorld,
): AsyncGenerator<readonly Change[], void, undefined> {
  let changes: Change[] = [];
  const parser = createParser({
    maxBufferSize: MAX_BLOCK_CHARACTERS,
    onId: (id) => {
      place.id = id;
    },
    onEvent: ({ event, data }) => {
      const change = changeIn(event, String(place.id), JSON.parse(data));
      if (change !== undefined) changes.push(change);
    },
  });
  try {
    for (;;) {
      const cancel = clock.after(silenceMs, () => stream.close());
      const text = await stream.read().finally(cancel);
      if (text === undefined) return;
      parser.feed(text);
      const parsed = changes;
      changes = [];
      yield parsed;
    }
  } finally {
    stream.close();
  }
}

/** Undefined for the words that end a stream: it is gone on with at another node. */
function changeIn(event: string | undefined, id: string, data: Json): Change | undefined {
  const head = { id, key: textIn(data, 'key') ?? '', revision: Number(data.revision) };
  const tags = Array.isArray(data.tags) ? data.tags.map(String) : undefined;
  const expiresAt = textIn(data, 'expiresAt');
  switch (event) {
    case 'put': {
      const tagged = { ...head, expiresAt, ...(tags === undefined ? {} : { tags }) };
      if (data.absent === true) return { ...tagged, kind: 'put-absent' };
      const value = valueIn(data) ?? new Uint8Array();
      return { ...tagged, kind: event, value, contentType: String(data.contentType) };
    }
    case 'invalidate':
      return { ...head, kind: event, tags: tags ?? [] };
    case 'touch':
      return { ...head, kind: event, expiresAt };
    case 'delete':
    case 'expire':
    case 'evict':
      return { ...head, kind: event };
    default:
      return undefined;
  }
}

function pause(ms: number, { clock }: ClientWorld, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}

function unheard({ id }: Place, deadlineMs: number): ChorusError {
  return new ChorusError({
    code: 'deadline',
    message: `no node answered for ${deadlineMs} ms; the watch stands at ${id ?? 'its beginning'}`,
    status: undefined,
    outcome: 'not-applied',
    id: undefined,
    isRetryable: true,
  });
}
