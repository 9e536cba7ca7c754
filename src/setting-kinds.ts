// The kinds of setting values: how each is written, read, checked and shown. All sources bring text, so each is parsed in one way.
import { isIP } from 'node:net';
import { formatDuration, formatSize, parseDuration, parseSize } from './base/quantities.ts';

/** What some defaults are worked out from. */
export type Known = { readonly hostName: string; readonly host: string; readonly port: number };

/** A row of the table. `Value` is what the program reads, `Written` what config.ts may say. */
export type Setting<Value, Written = Value> = {
  readonly flag: string;
  readonly variable: string;
  /** One sentence for --help. */
  readonly help: string;
  /** How a value is called in --help: `<port>`. */
  readonly placeholder: string;
  readonly fallback: Value | ((known: Known) => Value);
  /** The default in words, for --help. */
  readonly fallbackText: string;
  /** What was written is not repeated in errors: it may be a secret in the wrong place. */
  readonly isHidden?: true;
  /** Only this program takes the flag; the variable and config.ts may be shared, so there it is passed over. */
  readonly onlyFor?: 'node' | 'cluster';
  /** The value, or a NotA with what it must be. */
  parse(text: string): Value | NotA;
  /** Only for types: never set. */
  readonly written?: Written;
};

/** What was written is not a value; says what one must be. */
export class NotA {
  readonly mustBe: string;

  constructor(mustBe: string) {
    this.mustBe = mustBe;
  }
}

export type DurationText = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;
export type SizeText = `${number}${'B' | 'KiB' | 'MiB' | 'GiB'}`;

type Row = { flag: string; variable: string; help: string; onlyFor?: 'node' | 'cluster' };
type Bounds = { fallback: number; least: number; most: number };
type TextRow = {
  isHidden?: true;
  placeholder: string;
  pattern: RegExp;
  mustBe: string;
  fallback: string | ((known: Known) => string);
  fallbackText: string;
};

export function text(row: Row & TextRow): Setting<string> {
  const { pattern, mustBe, ...rest } = row;
  return { ...rest, parse: (written) => (pattern.test(written) ? written : new NotA(mustBe)) };
}

/** A path; '' when there is none. */
export function file(row: Row): Setting<string> {
  return text({
    ...row,
    placeholder: '<file>',
    pattern: /^[^\0]*$/,
    mustBe: 'a file',
    fallback: '',
    fallbackText: 'none',
  });
}

export function yesOrNo(row: Row & { fallback: boolean }): Setting<boolean> {
  return {
    ...row,
    placeholder: 'true|false',
    fallbackText: String(row.fallback),
    parse: (written) => written === 'true' || (written === 'false' ? false : new NotA('true or false')),
  };
}

export function choice<const Name extends string>(
  row: Row & { among: readonly Name[]; fallback: Name | ((known: Known) => Name); fallbackText?: string },
): Setting<Name> {
  const { among, ...rest } = row;
  return {
    ...rest,
    placeholder: among.join('|'),
    fallbackText: row.fallbackText ?? String(row.fallback),
    parse: (written) => among.find((name) => name === written) ?? new NotA(`one of ${among.join(', ')}`),
  };
}

/** Comma-separated in flags and variables, an array in config.ts. */
export function list(
  row: Row & { placeholder: string; pattern: RegExp; mustBe: string; fallbackText: string },
): Setting<readonly string[]> {
  const { pattern, mustBe, ...rest } = row;
  return {
    ...rest,
    fallback: [],
    parse(written) {
      const items = written.split(',').map((item) => item.trim());
      return items.every((item) => pattern.test(item)) ? items : new NotA(mustBe);
    },
  };
}

export function port(row: Row & { fallback: number }): Setting<number> {
  return count({ ...row, placeholder: '<port>', least: 1, most: 65_535 });
}

export function count(row: Row & Bounds & { placeholder?: string }): Setting<number> {
  return quantity(row, {
    placeholder: row.placeholder ?? '<number>',
    parse: (written) => (/^\d{1,15}$/.test(written) ? Number(written) : undefined),
    format: String,
    what: 'a whole number',
  });
}

export function size(row: Row & Bounds): Setting<number, number | SizeText> {
  const what = 'a size (a number of bytes, 512KiB, 64MiB, 4GiB)';
  return quantity(row, { placeholder: '<size>', parse: parseSize, format: formatSize, what });
}

/** In milliseconds; a bare number is one of seconds. */
export function duration(row: Row & Bounds): Setting<number, number | DurationText> {
  const what = 'a duration (500ms, 30s, 5m or a number of seconds)';
  return quantity(row, { placeholder: '<duration>', parse: parseDuration, format: formatDuration, what });
}

/** A name or an address to bind or to be reached at. */
export function host(row: Row & { fallback: string }): Setting<string> {
  const isHost = (written: string) => isIP(written) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(written);
  return {
    ...row,
    placeholder: '<host>',
    fallbackText: row.fallback,
    parse: (written) => (isHost(written) ? written : new NotA('a host name or an IP address')),
  };
}

function quantity(
  row: Row & Bounds,
  form: { placeholder: string; parse(text: string): number | undefined; format(value: number): string; what: string },
): Setting<number> {
  const { least, most, ...rest } = row;
  const mustBe = `${form.what}, ${form.format(least)} to ${form.format(most)}`;
  return {
    ...rest,
    placeholder: form.placeholder,
    fallbackText: form.format(row.fallback),
    parse(written) {
      const value = form.parse(written);
      return value !== undefined && value >= least && value <= most ? value : new NotA(mustBe);
    },
  };
}
