// Query parameters, strictly: an unknown one is refused with the nearest known name, for `?tll=30s` must not store for ever.
import { isUtf8 } from 'node:buffer';
import { hintOf } from '../base/nearest.ts';
import { Problem } from './problems.ts';
import { percentDecoded, queryTextOf } from './targets.ts';

export type Query = ReadonlyMap<string, string>;

const NOTHING: Query = new Map();

/** The parameters of a target. `known`: the names this resource takes. A name twice is refused; one without `=` has the value ''. */
export function queryOf(target: string, known: readonly string[]): Query {
  const text = queryTextOf(target);
  if (text === '') return NOTHING;
  const query = new Map<string, string>();
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decoded(equals === -1 ? part : part.slice(0, equals));
    const value = decoded(equals === -1 ? '' : part.slice(equals + 1));
    if (!known.includes(name)) throw unknownParameter(name, known);
    if (query.has(name)) {
      throw new Problem('invalid-parameter', { field: name, detail: `The parameter "${name}" is given twice.` });
    }
    query.set(name, value);
  }
  return query;
}

/** A parameter whose value is not as it should be. */
export function invalidParameter(field: string, detail: string): Problem {
  return new Problem('invalid-parameter', { field, detail });
}

function unknownParameter(name: string, known: readonly string[]): Problem {
  const shown = JSON.stringify(name.slice(0, 64));
  const list = known.length === 0 ? 'It takes none.' : `It takes: ${known.join(', ')}.`;
  return new Problem('unknown-parameter', {
    field: name.slice(0, 64),
    detail: `This request does not take the parameter ${shown}${hintOf(name, known)}. ${list}`,
  });
}

function decoded(text: string): string {
  const bytes = percentDecoded(text, 0, text.length);
  if (bytes === undefined) {
    throw new Problem('invalid-parameter', {
      field: 'query',
      detail: 'The query has a % without two hexadecimal digits after it.',
    });
  }
  // Replacement characters would silently ask for something else.
  if (!isUtf8(bytes))
    throw new Problem('invalid-parameter', { field: 'query', detail: 'The query is not valid UTF-8.' });
  return bytes.toString('utf8');
}
