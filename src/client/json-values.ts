// Values as they stand in JSON: text where they are UTF-8, else base64.
import type { ListedKey } from './requests.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Text that has no form in UTF-8 would be changed on its way: the node refuses it. */
export function valueJson(value: string | Uint8Array): Json {
  return typeof value === 'string' ? { value } : { base64: Buffer.from(value).toString('base64') };
}

export function valueIn({ value, base64 }: Json): Uint8Array | undefined {
  if (typeof value === 'string') return Buffer.from(value);
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
}

export function textIn(json: Json, name: string): string | undefined {
  const value = json[name];
  return typeof value === 'string' ? value : undefined;
}

export function listedKey(json: Json): ListedKey {
  return {
    key: String(json.key),
    revision: Number(json.revision),
    bytes: Number(json.bytes),
    contentType: String(json.contentType),
    expiresAt: textIn(json, 'expiresAt'),
    value: valueIn(json),
  };
}
