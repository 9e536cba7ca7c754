// Follows GET /v1/watch and shows the last changes: by fetch, for an EventSource could not send a token.
import { send } from './api.js';
import { at, make } from './elements.js';

const SHOWN = 100;
const AGAIN_MS = 1000;

let current = new AbortController();

/** Ends the watch before it. Goes on after the last event whenever its node leaves it. */
export async function watch(prefix) {
  current.abort();
  const own = new AbortController();
  current = own;
  let since;
  while (!own.signal.aborted) {
    try {
      const query = new URLSearchParams({ prefix, ...(since === undefined ? {} : { since }) });
      const response = await send(`/v1/watch?${query}`, { signal: own.signal });
      at('watching').textContent =
        `${prefix === '' ? 'All keys' : `Keys that begin with ${prefix}`}, told by ${response.headers.get('Chorus-Node')}`;
      for await (const event of eventsOf(response)) {
        since = event.id ?? since;
        if (event.type !== undefined) draw(event);
      }
    } catch (error) {
      if (own.signal.aborted) return;
      at('watching').textContent = error.message;
      // The history after `since` may be gone: what is newest is shown then.
      if (error.message.startsWith('410')) since = undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) yield eventOf(block);
  }
}

function eventOf(block) {
  const event = { id: undefined, type: undefined, data: {} };
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) event.id = line.slice(4);
    else if (line.startsWith('event: ')) event.type = line.slice(7);
    else if (line.startsWith('data: ')) event.data = JSON.parse(line.slice(6));
  }
  return event;
}

function draw({ id, type, data }) {
  const rows = at('changes');
  rows.prepend(
    make('tr', '', '', [make('td', type, type), make('td', data.key ?? data.detail ?? ''), make('td', id ?? '')]),
  );
  while (rows.childElementCount > SHOWN) rows.lastElementChild.remove();
}
