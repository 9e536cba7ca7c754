// The columns of a source of rows (or documents): their types as the configuration names them, and the rows of TypeScript that follow from them.
import { CacheError } from '../errors.ts';
import type { SqlRow, SqlValue } from '../sql.ts';

/** A `?` at the end: it may be NULL. Integers are safe integers of JavaScript. */
export type ColumnType = `${keyof TypeOf}${'' | '?'}`;
export type Columns = Readonly<Record<string, ColumnType>>;

type TypeOf = { text: string; integer: number; real: number; boolean: boolean };
type ValueOf<Type extends ColumnType> = Type extends `${infer Plain extends keyof TypeOf}?`
  ? TypeOf[Plain] | null
  : Type extends keyof TypeOf
    ? TypeOf[Type]
    : never;

/** `{ id: 'integer', name: 'text?' }` gives `{ id: number; name: string | null }`. */
export type RowOf<Listed extends Columns> = { readonly [Name in keyof Listed]: ValueOf<Listed[Name]> };

/** What the database gave as the row that the columns promise. Throws CacheError `refused` where it is another. */
export function readRow<Listed extends Columns>(part: string, columns: Listed, row: SqlRow): RowOf<Listed> {
  const entries = Object.entries(columns).map(([name, type]) => [name, readValue(part, name, type, row[name])]);
  return Object.fromEntries(entries) as RowOf<Listed>;
}

/** The values of a row in the order of the columns. Throws CacheError `refused` where one is not of its type. */
export function writtenRow(part: string, columns: Columns, row: Readonly<Record<string, unknown>>): SqlValue[] {
  return Object.entries(columns).map(([name, type]) => {
    const value = row[name];
    const isRight = value === null ? type.endsWith('?') : IS[plain(type)](value);
    if (!isRight) throw new CacheError('refused', part, `${name} is no ${type}: ${shown(value)}`);
    return value as SqlValue;
  });
}

/** What a key may be: nothing that was handed in can become a part of a query. Throws a TypeError. */
export function plainKey(key: unknown): string | number | boolean {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean') return key;
  throw new TypeError(`not a key of a row: ${String(key)}`);
}

/** Of a row that was to be written under another key than it names. */
export function otherKey(part: string, column: string, key: unknown, said: unknown): CacheError {
  return new CacheError('refused', part, `the row of key ${String(key)} says that its ${column} is ${String(said)}`);
}

/** Those of the columns that a part of a row has values for. */
export function givenColumns(columns: Columns, fields: Readonly<Record<string, unknown>>): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => fields[name] !== undefined));
}

/** An absent field of a document is like NULL. */
function readValue(part: string, name: string, type: ColumnType, found: unknown): SqlValue {
  if ((found === null || found === undefined) && type.endsWith('?')) return null;
  const value = FROM[plain(type)](found);
  if (value === undefined) throw new CacheError('refused', part, `column ${name} holds no ${type}: ${shown(found)}`);
  return value;
}

function plain(type: ColumnType): keyof TypeOf {
  return (type.endsWith('?') ? type.slice(0, -1) : type) as keyof TypeOf;
}

const IS: Readonly<Record<keyof TypeOf, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  real: (value) => Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
};

/** Drivers give large integers and decimals as text, and MySQL's and SQLite's booleans are 0 and 1. */
const FROM: Readonly<Record<keyof TypeOf, (found: unknown) => SqlValue | undefined>> = {
  text: (found) => (typeof found === 'string' ? found : undefined),
  integer: (found) => numberIn(found, Number.isSafeInteger),
  real: (found) => numberIn(found, Number.isFinite),
  boolean(found) {
    if (typeof found === 'boolean') return found;
    const number = numberIn(found, (value) => value === 0 || value === 1);
    return number === undefined ? undefined : number === 1;
  },
};

function numberIn(found: unknown, isRight: (value: number) => boolean): number | undefined {
  if (found === null || found === undefined || found === '' || typeof found === 'boolean') return undefined;
  const number = Number(found);
  return isRight(number) ? number : undefined;
}

function shown(value: unknown): string {
  return String(typeof value === 'object' ? JSON.stringify(value) : value).slice(0, 100);
}
