// Codecs: values as bytes. JSON is the default; a schema may parse what comes back, so that old forms are loaded anew.

export type Codec<Value> = {
  encode(value: Value): Uint8Array;
  /** Throws when the bytes are no such value: the cache then loads it anew. */
  decode(bytes: Uint8Array): Value;
};

const fromBytes = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON text. What JSON cannot hold comes back changed: a Date as text, undefined fields not at all; where that matters give
 * `parse`, which turns what was kept into a Value or throws (any schema library's parse function fits).
 */
export function json<Value>(parse?: (kept: unknown) => Value): Codec<Value> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode(bytes) {
      const kept: unknown = JSON.parse(fromBytes.decode(bytes));
      return parse === undefined ? (kept as Value) : parse(kept);
    },
  };
}
