// Bodies of JSON, read strictly: the media type, UTF-8, and a place and a sentence for whatever is not as it should be.
import { isUtf8 } from 'node:buffer';
import { messageOf } from '../base/errors.ts';
import { JSON_LIMITS } from '../base/limits.ts';
import { hintOf } from '../base/nearest.ts';
import { JSON_TYPE } from './answers.ts';
import { readBody } from './bodies.ts';
import { accepts } from './media-types.ts';
import { Problem } from './problems.ts';
import type { HttpService, Request, Response } from './service.ts';

/** The members of an object, not looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

const JSON_BODY = /^application\/json[ \t]*(?:;|$)/i;

/** Checks what a request with a body of JSON says of it and of its answer; to be called before anything is waited for. */
export function checkJsonHead({ headers }: Request): void {
  if (!JSON_BODY.test(headers['content-type'] ?? '')) {
    throw new Problem('unsupported-media-type', {
      field: 'Content-Type',
      detail: `This request takes a body of ${JSON_TYPE}, and its Content-Type must say so.`,
    });
  }
  if (!accepts(headers.accept, JSON_TYPE)) {
    throw new Problem('not-acceptable', { field: 'Accept', detail: `The answer is ${JSON_TYPE}.` });
  }
}

export async function readJson(service: HttpService, request: Request, response: Response): Promise<unknown> {
  const bytes = await readJsonBytes(service, request, response);
  if (!isUtf8(bytes)) throw invalidBody('', 'The body is not UTF-8; bytes that are not travel as "base64".');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    // Only where it is wrong: the rest of the message repeats parts of the body.
    const [where = ''] = / at position \d+/.exec(messageOf(error)) ?? [];
    throw invalidBody('', `The body is not valid JSON${where}.`);
  }
}

/** `place`: such as `then[2].ttl`; '' is the whole body. */
export function invalidBody(place: string, detail: string): Problem {
  return new Problem('invalid-body', { field: place === '' ? 'body' : place, detail });
}

export function memberPlace(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

export function objectAt(place: string, value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalidBody(place, `${named(place)} must be a JSON object.`);
}

/** A member that nobody reads would be a slip that goes unseen. */
export function checkMembers(place: string, fields: Fields, known: readonly string[]): void {
  const name = Object.keys(fields).find((one) => !known.includes(one));
  if (name === undefined) return;
  const shown = name.slice(0, 64);
  throw invalidBody(
    memberPlace(place, shown),
    `${named(place)} does not take ${JSON.stringify(shown)}${hintOf(name, known)}. It takes: ${known.join(', ')}.`,
  );
}

export function listAt(place: string, value: unknown, maxItems: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidBody(place, `${named(place)} must be a JSON array.`);
  if (value.length <= maxItems) return value;
  throw new Problem('body-too-large', { field: place, detail: `${named(place)} has at most ${maxItems} items.` });
}

/** Text that has a form in UTF-8: half of a surrogate pair has none and would become another character. */
export function textAt(place: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidBody(place, `${named(place)} must be a string.`);
  if (!value.isWellFormed()) throw invalidBody(place, `${named(place)} holds half of a surrogate pair.`);
  return value;
}

function named(place: string): string {
  return place === '' ? 'The body' : `"${place}"`;
}

async function readJsonBytes({ bodies }: HttpService, request: Request, response: Response): Promise<Buffer> {
  const { maxBodyBytes } = JSON_LIMITS;
  try {
    return await readBody(request, response, maxBodyBytes, bodies);
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'value-too-large')) throw error;
    throw new Problem('body-too-large', { field: 'body', detail: `A body of JSON has at most ${maxBodyBytes} bytes.` });
  }
}
