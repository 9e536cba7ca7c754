// PyCache's own API, so that its users can move without a change: JSON values at /api/cache/{key}/, and /api/health/.
import { isUtf8 } from 'node:buffer';
import { ALWAYS } from '../core/condition.ts';
import type { Entry } from '../core/keyspace.ts';
import { answer, JSON_TYPE } from './answers.ts';
import { readBody, refuseBody } from './bodies.ts';
import { requireKey } from './callers.ts';
import { admitWrite, submitCommand } from './key-writes.ts';
import { readDemand, readEntry } from './keys.ts';
import { Problem } from './problems.ts';
import { judgedHeaders } from './refusals.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';
import { keyOf, pathOf } from './targets.ts';

export const PYCACHE_KEY_PATH = /^\/api\/cache\/[^/]+\/?$/;
const KEY_START = '/api/cache/'.length;

export type PyCache = {
  readonly read: Handler;
  readonly write: Handler;
  readonly remove: Handler;
  readonly health: Handler;
};

/** Queries are ignored here, as PyCache does; ids, tokens and the default consistency are honoured. */
export function createPyCache(service: HttpService): PyCache {
  const { node, limits } = service;
  return {
    async read(request, response) {
      const key = keyIn(response);
      requireKey(service.access.callerOf(request), 'read', key);
      const demand = readDemand(service, new Map(), request.headers);
      await readEntry(service, key, demand, (entry) => {
        requireKey(service.access.callerOf(request), 'read', key);
        const payload = entry === undefined ? '{}' : payloadOf(key, jsonOf(entry));
        const headers = ['Chorus-Consistency', demand.consistency];
        answerMessage(service, request, response, 200, headers, 'Cache key get success', payload);
      });
    },

    async write(request, response) {
      const key = keyIn(response);
      requireKey(service.access.callerOf(request), 'write', key);
      const id = admitWrite(service, request);
      const body = await readBody(request, response, limits.maxValueBytes, service.bodies);
      const problem = valueProblem(body);
      if (problem !== undefined) {
        return answerMessage(
          service,
          request,
          response,
          400,
          [],
          'Invalid request body',
          JSON.stringify({ error: problem }),
        );
      }
      // The text is kept as it came: a number with more digits than a double has stays what it is.
      const value = Buffer.from(body.toString('utf8').trim());
      const outcome = await submitCommand(service, request, id, limits.defaultTimeoutMs, {
        type: 'put',
        key,
        value,
        contentType: JSON_TYPE,
        ttlMs: 0,
        condition: ALWAYS,
      });
      const payload = payloadOf(key, value.toString('utf8'));
      answerMessage(service, request, response, 201, judgedHeaders(outcome), 'Cache key set success', payload);
    },

    async remove(request, response) {
      const key = keyIn(response);
      requireKey(service.access.callerOf(request), 'write', key);
      const id = admitWrite(service, request);
      refuseBody(request);
      await submitCommand(service, request, id, limits.defaultTimeoutMs, {
        type: 'delete',
        key,
        condition: ALWAYS,
      }).catch(unlessMissing);
      // What apply judged, also where there was nothing to delete.
      const headers = ['Chorus-Consistency', 'linearizable'];
      answerMessage(service, request, response, 200, headers, 'Cache key expired', '{}');
    },

    health(request, response) {
      response.locals.route = 'pycache';
      const { phase, degraded } = node.status();
      const broker = phase === 'ready' && degraded.length === 0 ? 'ok' : 'degraded';
      answerMessage(service, request, response, 200, [], 'It works!!!', JSON.stringify({ message_broker: broker }));
    },
  };

  function keyIn(response: Response): Buffer {
    response.locals.route = 'pycache';
    const path = pathOf(response.locals.target);
    return keyOf(path.endsWith('/') ? path.slice(0, -1) : path, KEY_START, limits.maxKeyBytes);
  }
}

/** `payload` is JSON text. */
function answerMessage(
  service: HttpService,
  request: Request,
  response: Response,
  status: number,
  headers: readonly string[],
  message: string,
  payload: string,
): void {
  const body = Buffer.from(`{"message":${JSON.stringify(message)},"payload":${payload}}`);
  const all = [...headers, 'Content-Type', JSON_TYPE, 'Cache-Control', 'no-cache'];
  answer(service, request, response, status, all, body);
}

/** Why a body is not a value that PyCache takes: number, non-empty string, object or non-empty array. */
function valueProblem(body: Buffer): string | undefined {
  if (!isUtf8(body)) return 'The body is not valid UTF-8';
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return 'The body is not valid JSON';
  }
  if (value === null || typeof value === 'boolean')
    return 'The value must be a number, a string, an object or an array';
  if (value === '' || (Array.isArray(value) && value.length === 0)) return 'The value must not be empty';
  return undefined;
}

function payloadOf(key: Buffer, json: string): string {
  return `{"key":${JSON.stringify(key.toString('utf8'))},"value":${json}}`;
}

/** The value as JSON text; one that was not written through this API may be no JSON and is given as a string then. */
function jsonOf({ value }: Entry): string {
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof Problem && error.code === 'not-found')) throw error;
}
