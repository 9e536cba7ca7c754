// The version of this program, as package.json says it.
import { readFileSync } from 'node:fs';

export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const described: unknown = JSON.parse(text);
  const hasVersion = typeof described === 'object' && described !== null && 'version' in described;
  return hasVersion ? String(described.version) : 'unknown';
}
