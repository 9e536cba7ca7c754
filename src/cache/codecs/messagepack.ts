// MessagePack: smaller than JSON, and it keeps bytes and dates as what they are; an object with the key `__proto__` it does not decode.
import { decode, encode } from '@msgpack/msgpack';
import type { Codec } from '../codec.ts';

/** `parse` turns what was kept into a Value or throws, as with `json`. */
export function messagePack<Value>(parse?: (kept: unknown) => Value): Codec<Value> {
  return {
    encode: (value) => encode(value, { ignoreUndefined: true }),
    decode(bytes) {
      const kept = decode(bytes);
      return parse === undefined ? (kept as Value) : parse(kept);
    },
  };
}
