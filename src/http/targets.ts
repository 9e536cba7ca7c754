// The request target, read from its raw form: path, query text, and the key in it. Express's decoded forms are never used.
import { isUtf8 } from 'node:buffer';
import { Problem } from './problems.ts';

export const KEYS_PATH = '/v1/keys/';

const PERCENT = 0x25;
const HEX: readonly number[] = Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
});

/** The part before `?`. */
export function pathOf(target: string): string {
  const mark = target.indexOf('?');
  return mark === -1 ? target : target.slice(0, mark);
}

/** The part after `?`, or ''. */
export function queryTextOf(target: string): string {
  const mark = target.indexOf('?');
  return mark === -1 ? '' : target.slice(mark + 1);
}

/**
 * The key in a target: everything from `start` up to `?`, percent-decoded once, so that a raw `/` and `%2F` are the
 * same. 1 to `maxBytes` bytes of valid UTF-8, percent-encoded or raw.
 */
export function keyOf(target: string, start: number, maxBytes: number): Buffer {
  const mark = target.indexOf('?', start);
  const key = percentDecoded(target, start, mark === -1 ? target.length : mark);
  if (key === undefined)
    throw new Problem('invalid-key', {
      field: 'key',
      detail: 'The key has a % without two hexadecimal digits after it.',
    });
  if (key.length === 0) throw new Problem('invalid-key', { field: 'key', detail: 'The key is empty.' });
  if (key.length > maxBytes) {
    throw new Problem('key-too-long', {
      field: 'key',
      detail: `The key has ${key.length} bytes; at most ${maxBytes} are allowed.`,
    });
  }
  if (!isUtf8(key)) throw new Problem('invalid-key', { field: 'key', detail: 'The key is not valid UTF-8.' });
  return key;
}

/** The bytes of `text` (one character per byte) from `start` to `end` with `%XX` replaced; undefined when a `%` is not followed by two hex digits. */
export function percentDecoded(text: string, start: number, end: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code !== PERCENT) {
      bytes[length++] = code;
      continue;
    }
    const high = at + 2 < end ? (HEX[text.charCodeAt(at + 1)] ?? -1) : -1;
    const low = at + 2 < end ? (HEX[text.charCodeAt(at + 2)] ?? -1) : -1;
    if (high < 0 || low < 0) return undefined;
    bytes[length++] = high * 16 + low;
    at += 2;
  }
  return bytes.subarray(0, length);
}
