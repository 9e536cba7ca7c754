// How durations and sizes are written by people: `500ms`, `30s`, `5m`, `2h`, `1d`; `512KiB`, `64MiB`, `4GiB`.

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d` or a whole number of seconds; undefined for anything else. Zero is a duration. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATION_UNITS, 's');
}

/** Bytes of `512KiB`, `64MiB`, `4GiB`, `100B` or a whole number of bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, SIZE_UNITS, 'B');
}

/** `1500` → `1500ms`, `60000` → `1m`: the shortest form that parseDuration reads back as the same number. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, DURATION_UNITS);
}

/** `1048576` → `1MiB`: the shortest form that parseSize reads back as the same number. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, SIZE_UNITS);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>, bareUnit: string): number | undefined {
  const parts = /^(\d{1,16})([A-Za-z]*)$/.exec(text);
  if (parts === null) return undefined;
  const [, digits = '', unit = ''] = parts;
  const name = unit === '' ? bareUnit : unit;
  const factor = Object.hasOwn(units, name) ? units[name] : undefined;
  if (factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

function formatQuantity(value: number, units: Readonly<Record<string, number>>): string {
  const largestFirst = Object.entries(units).reverse();
  const [name, factor] = largestFirst.find(([, size]) => value !== 0 && value % size === 0) ??
    largestFirst.at(-1) ?? ['', 1];
  return `${value / factor}${name}`;
}
