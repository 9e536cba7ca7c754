// A write as a message of a queue: a line of JSON that names key and revision, then the value's bytes.
import type { Codec } from './codec.ts';
import type { Change, QueueMessage } from './ports.ts';

type Head = { readonly key: unknown; readonly revision: number; readonly removed?: true };

const NEWLINE = 0x0a;

/** `{"key":7,"revision":1700000000000000}⏎{"id":7,"name":"Ada"}`; `"removed":true` and no value for a removal. Keys are what JSON can hold. */
export function encodeChange<Key, Value>(change: Change<Key, Value>, codec: Codec<Value>): QueueMessage {
  const { id, key, value, revision } = change;
  const head: Head = { key, revision, ...(value === undefined && { removed: true }) };
  const line = Buffer.from(`${JSON.stringify(head)}\n`);
  return { id, body: value === undefined ? line : Buffer.concat([line, codec.encode(value)]) };
}

/** Throws where the message is none of ours, or its value does not decode. */
export function decodeChange<Key, Value>({ id, body }: QueueMessage, codec: Codec<Value>): Change<Key, Value> {
  const end = body.indexOf(NEWLINE);
  const head: unknown = JSON.parse(
    new TextDecoder('utf-8', { fatal: true }).decode(body.subarray(0, Math.max(0, end))),
  );
  if (!isHead(head)) throw new TypeError('the message has no head with a key and a revision');
  const value = head.removed ? undefined : codec.decode(body.subarray(end + 1));
  return { id, key: head.key as Key, value, revision: head.revision };
}

function isHead(head: unknown): head is Head {
  return (
    typeof head === 'object' && head !== null && 'key' in head && 'revision' in head && Number.isFinite(head.revision)
  );
}
