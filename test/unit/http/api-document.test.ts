// docs/api.md names every problem that a node can answer, with its status, and none besides.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROBLEMS } from '../../../src/http/problems.ts';

test('the table of errors in docs/api.md is the table in the code', () => {
  const text = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| (\d{3}) \| `([a-z-]+)` \| /gm)].map(([, status, code]) => [code, Number(status)]);
  expect(rows).toEqual(Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]));
});
