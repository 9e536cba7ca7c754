// How entries stand in JSON: a value as text where it is UTF-8, else in base64; times in ISO 8601.
import { isUtf8 } from 'node:buffer';

export type JsonValue = { readonly value: string } | { readonly base64: string };

export function jsonValue(value: Uint8Array): JsonValue {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isUtf8(bytes) ? { value: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
}

/** Undefined, which JSON leaves out, for an entry that never expires. */
export function jsonTime(expiresAt: number): string | undefined {
  return expiresAt === 0 ? undefined : new Date(expiresAt).toISOString();
}
