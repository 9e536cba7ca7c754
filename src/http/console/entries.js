// Entries: listed by prefix, page by page; one of them put or deleted, only if it is still the one that was shown.
import { keyPath, send } from './api.js';
import { at, bytesOf, countOf, make, spanOf } from './elements.js';

const PAGE = 50;
const SHOWN_LENGTH = 120;
const PLAIN = 'text/plain; charset=utf-8';

/** The revision of the entry in the form: what it is put and deleted upon; undefined: a key that is written whatever was there. */
let shown;
let next = null;

export function startEntries(onPrefix) {
  at('search').onsubmit = (event) => {
    event.preventDefault();
    onPrefix(prefixNow());
    void tell(() => list());
  };
  at('next').onclick = () => tell(() => list(next));
  at('entry').onsubmit = (event) => {
    event.preventDefault();
    void tell(put);
  };
  at('entry').onreset = () => {
    shown = undefined;
    at('told').textContent = '';
  };
  at('entry').elements.key.oninput = () => {
    shown = undefined;
  };
  at('remove').onclick = () => tell(remove);
  void tell(() => list());
}

const prefixNow = () => at('search').elements.prefix.value;

async function list(cursor = null) {
  const query = new URLSearchParams({ prefix: prefixNow(), limit: String(PAGE), values: 'true' });
  if (cursor !== null) query.set('cursor', cursor);
  const page = await (await send(`/v1/keys?${query}`)).json();
  next = page.next;
  at('next').disabled = next === null;
  const rows = page.keys.map(entryRow);
  at('entries').replaceChildren(...(rows.length > 0 ? rows : [emptyRow()]));
}

function entryRow(entry) {
  const button = make('button', entry.key, 'link');
  button.type = 'button';
  button.onclick = () => show(entry);
  const expires = entry.expiresAt === undefined ? '' : `in ${spanOf(Date.parse(entry.expiresAt) - Date.now())}`;
  return make('tr', '', '', [
    make('td', '', '', [button]),
    make('td', entry.value?.slice(0, SHOWN_LENGTH) ?? 'no text', entry.value === undefined ? 'quiet' : 'value'),
    make('td', bytesOf(entry.bytes)),
    make('td', countOf(entry.revision)),
    make('td', expires),
  ]);
}

function emptyRow() {
  const cell = make('td', 'No key begins so.', 'quiet');
  cell.colSpan = 5;
  return make('tr', '', '', [cell]);
}

function show(entry) {
  const { key, value, type } = at('entry').elements;
  key.value = entry.key;
  value.value = entry.value ?? '';
  type.value = entry.contentType;
  shown = entry.revision;
  const kind = entry.value === undefined ? ' Its value is no text: to put it would replace it.' : '';
  at('told').textContent = `Revision ${entry.revision}.${kind}`;
}

async function put() {
  const { key, value, ttl, type } = at('entry').elements;
  const query = ttl.value === '' ? '' : `?${new URLSearchParams({ ttl: ttl.value })}`;
  const response = await send(keyPath(key.value) + query, {
    method: 'PUT',
    body: value.value,
    headers: { 'Content-Type': type.value === '' ? PLAIN : type.value, ...condition() },
  });
  const etag = response.headers.get('ETag');
  shown = Number(etag.replaceAll('"', ''));
  await list();
  return `${response.status === 201 ? 'Created' : 'Replaced'}: revision ${shown}.`;
}

async function remove() {
  await send(keyPath(at('entry').elements.key.value), { method: 'DELETE', headers: condition() });
  shown = undefined;
  await list();
  return 'Deleted.';
}

const condition = () => (shown === undefined ? {} : { 'If-Match': `"${shown}"` });

/** Says under the form what came of `work`. */
async function tell(work) {
  try {
    at('told').textContent = (await work()) ?? '';
  } catch (error) {
    at('told').textContent = error.message;
  }
}
