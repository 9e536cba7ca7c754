// docs/openapi.yaml is valid OpenAPI, describes the routes and the problems of the code and nothing else, and is what a node serves.
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { PROBLEMS } from '../../../src/http/problems.ts';
import { ROUTES } from '../../../src/http/routes.ts';
import { CONSISTENCIES } from '../../../src/node/requests.ts';
import { OpenApiDocument } from '../../suites/open-api-document.ts';
import { send, startRunningNode } from './running-node.ts';

const document = new OpenApiDocument();

/** The routes as the document writes them: HEAD beside GET, OPTIONS everywhere. */
const routes = Object.entries(ROUTES).flatMap(([path, methods]) => [
  ...Object.entries<readonly string[]>(methods).flatMap(([method, parameters]) =>
    (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((name) => [`${name} ${path}`, parameters] as const),
  ),
  [`OPTIONS ${path}`, [] as readonly string[]] as const,
]);

test('it is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document.content));
  expect([result.valid, result.errors]).toEqual([true, undefined]);
  expect(validator.version).toBe('3.1');
});

test('it has every path and method of the routes, and no other', () => {
  expect([...document.operations.keys()].sort()).toEqual(routes.map(([name]) => name).sort());
});

test.each(routes)('%s has the query parameters %j', (name, parameters) => {
  const documented = document.operations.get(name)?.parameters ?? [];
  const query = documented.filter((parameter) => parameter.in === 'query').map((parameter) => parameter.name);
  expect(query.sort()).toEqual([...parameters].sort());
});

test('its answers have the statuses of the problems and of success, and no others', () => {
  const documented = [...document.operations.values()].flatMap(({ responses }) => Object.keys(responses).map(Number));
  const statuses = [200, 201, 204, 304, ...Object.values(PROBLEMS).map(({ status }) => status)];
  expect([...new Set(documented)].sort()).toEqual([...new Set(statuses)].sort());
});

test('each status of a problem names the codes that it has, and no others', () => {
  const documented = new Map<number, Set<string>>();
  for (const { responses } of document.operations.values()) {
    for (const [status, { description, content = {} }] of Object.entries(responses)) {
      if (!('application/problem+json' in content) || 'application/json' in content) continue;
      const codes = [...description.matchAll(/`([a-z-]+)`:/g)].map(([, code = '']) => code);
      documented.set(Number(status), new Set([...(documented.get(Number(status)) ?? []), ...codes]));
    }
  }
  const byStatus = Map.groupBy(Object.entries(PROBLEMS), ([, { status }]) => status);
  expect(new Map([...documented].map(([status, codes]) => [status, [...codes].sort()]))).toEqual(
    new Map([...byStatus].map(([status, problems]) => [status, problems.map(([code]) => code).sort()])),
  );
});

test('the levels of consistency are those of the code', () => {
  expect(document.component('schemas', 'Consistency').enum).toEqual([...CONSISTENCIES]);
});

test('a node serves it as JSON', async () => {
  const running = await startRunningNode();
  const answer = await send(running.url, 'GET', '/v1/openapi.json');
  await running.stop();
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
  expect(JSON.parse(answer.text)).toEqual(document.content);
});
