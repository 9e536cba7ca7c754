// Tokens of the cluster at /v1/tokens: listed, created and revoked by administrators. Only the SHA-256 of a token comes here.
import { ACCESS_LIMITS } from '../base/limits.ts';
import type { TokenCommand } from '../core/access/token-command.ts';
import { isTokenName, type Scope, type Token } from '../core/access/tokens.ts';
import type { Outcome } from '../core/outcome.ts';
import { answer, answerJson, JSON_TYPE } from './answers.ts';
import { refuseBody } from './bodies.ts';
import { refuseConditions } from './conditions.ts';
import {
  checkJsonHead,
  checkMembers,
  type Fields,
  invalidBody,
  listAt,
  objectAt,
  readJson,
  textAt,
} from './json-bodies.ts';
import { jsonTime } from './json-values.ts';
import { admitWrite } from './key-writes.ts';
import { timeoutOf } from './parameters.ts';
import { Problem, type ProblemCode } from './problems.ts';
import { type Query, queryOf } from './queries.ts';
import { judgedHeaders, successOf } from './refusals.ts';
import { ROUTES } from './routes.ts';
import { parseScope, scopeText } from './scopes.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';
import { pathOf } from './targets.ts';

export const TOKEN_PATH = /^\/v1\/tokens\/[^/]+$/;
const NAME_START = '/v1/tokens/'.length;

export type TokenHandlers = { readonly list: Handler; readonly create: Handler; readonly revoke: Handler };

export function createTokens(service: HttpService): TokenHandlers {
  const { node } = service;
  return {
    list(request, response) {
      queryIn(response, ROUTES['/v1/tokens'].GET);
      const tokens = [...node.tokens().values()].map(viewOf);
      answerJson(service, request, response, 200, { tokens, revision: node.revision() });
    },

    async create(request, response) {
      const query = queryIn(response, ROUTES['/v1/tokens'].POST);
      refuseConditions(request.headers);
      checkJsonHead(request);
      admitWrite(service, request);
      const claims = claimsIn(objectAt('', await readJson(service, request, response)));
      const outcome = await submit(request, query, { type: 'create-token', ...claims });
      const headers = ['Content-Type', JSON_TYPE, 'Cache-Control', 'no-store', ...judgedHeaders(outcome)];
      const body = { name: claims.name, scopes: claims.scopes.map(scopeText), revision: outcome.revision };
      answer(service, request, response, 201, headers, Buffer.from(JSON.stringify(body)));
    },

    async revoke(request, response) {
      const query = queryIn(response, ROUTES['/v1/tokens/{name}'].DELETE);
      refuseConditions(request.headers);
      refuseBody(request);
      const name = pathOf(response.locals.target).slice(NAME_START);
      if (!isTokenName(name)) throw new Problem('not-found', { detail: 'There is no token of this name.' });
      const outcome = await submit(request, query, { type: 'revoke-token', name });
      answer(service, request, response, 204, judgedHeaders(outcome), undefined);
    },
  };

  function queryIn(response: Response, parameters: readonly string[]): Query {
    response.locals.route = 'tokens';
    return queryOf(response.locals.target, parameters);
  }

  /** Asked once more who it is: the body may have been long on its way. */
  async function submit(request: Request, query: Query, command: TokenCommand): Promise<Outcome> {
    service.access.requireAdmin(request);
    const id = admitWrite(service, request);
    const caller = service.access.callerOf(request).name;
    const timeoutMs = timeoutOf(service.limits, query);
    const result = await node.submit({ command, id, caller, timeoutMs });
    try {
      return successOf(result, id);
    } catch (error) {
      throw error instanceof Problem ? inWordsOfTokens(error) : error;
    }
  }
}

/** What apply says of keys and of tokens alike has words of its own here. */
function inWordsOfTokens({ code, details, message }: Problem): Problem {
  const words: Partial<Record<ProblemCode, string>> = {
    'not-found': 'There is no token of this name.',
    'token-exists': 'There is a token of this name, or this token under another name.',
    'memory-full': `There are ${ACCESS_LIMITS.maxTokens} tokens already; revoke one that nobody needs.`,
  };
  return new Problem(code, { ...details, detail: words[code] ?? details.detail ?? message });
}

const MEMBERS = ['name', 'sha256', 'scopes'];

function claimsIn(fields: Fields): Omit<Token, 'createdAt'> {
  checkMembers('', fields, MEMBERS);
  const name = textAt('name', fields.name);
  if (!isTokenName(name)) {
    throw invalidBody(
      'name',
      '"name" has 1 to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit.',
    );
  }
  const sha256 = textAt('sha256', fields.sha256);
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw invalidBody('sha256', '"sha256" is the SHA-256 of the token: 64 hexadecimal digits in lower case.');
  }
  const scopes = listAt('scopes', fields.scopes, ACCESS_LIMITS.maxScopes).map((text, at) =>
    scopeAt(`scopes[${at}]`, text),
  );
  if (scopes.length === 0) throw invalidBody('scopes', 'A token without scopes could do nothing.');
  return { name, digest: Buffer.from(sha256, 'hex'), scopes };
}

function scopeAt(place: string, value: unknown): Scope {
  const scope = parseScope(textAt(place, value));
  if (typeof scope === 'string') throw invalidBody(place, scope);
  return scope;
}

function viewOf({ name, scopes, createdAt }: Token) {
  return { name, scopes: scopes.map(scopeText), createdAt: jsonTime(createdAt) };
}
