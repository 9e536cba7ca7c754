// The console: every file of it is served, by a policy that lets it load and ask nothing from elsewhere.
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemIn, type RunningNode, send, startRunningNode } from './running-node.ts';

const folder = resolve(import.meta.dirname, '../../../src/http/console');
const files = readdirSync(folder);

let running: RunningNode;
beforeAll(async () => {
  running = await startRunningNode();
});
afterAll(() => running.stop());

test('the page and every file beside it are served as what they are', async () => {
  const types = { html: 'text/html', css: 'text/css', js: 'text/javascript' };
  expect(files.length).toBeGreaterThan(3);
  for (const name of files) {
    const path = name === 'console.html' ? '/console' : `/console/${name}`;
    const answer = await send(running.url, 'GET', path);
    expect([path, answer.status, answer.text]).toEqual([path, 200, readFileSync(resolve(folder, name), 'utf8')]);
    const type = types[name.split('.').at(-1) as keyof typeof types];
    expect(answer.headers['content-type']).toBe(`${type}; charset=utf-8`);
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
  }
});

test('what the page and its scripts name is there, and nothing of another origin', () => {
  for (const name of files) {
    const text = readFileSync(resolve(folder, name), 'utf8').replaceAll('http://www.w3.org/2000/svg', '');
    expect(text, name).not.toMatch(/https?:|url\(|@import/);
    const named = [...text.matchAll(/"\/console\/([^"]+)"|from '\.\/([^']+)'/g)].map(([, a, b]) => a ?? b);
    expect(files).toEqual(expect.arrayContaining(named));
  }
});

test('no markup is made of what comes from outside', () => {
  for (const name of files) {
    const text = readFileSync(resolve(folder, name), 'utf8');
    expect(text, name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\son\w+="/);
  }
});

test('a file that it has not is 404, a parameter 400', async () => {
  expect(problemIn(await send(running.url, 'GET', '/console/secret.js'))).toMatchObject({ status: 404 });
  expect(problemIn(await send(running.url, 'GET', '/console/..%2Fserver.ts'))).toMatchObject({ status: 404 });
  expect(problemIn(await send(running.url, 'GET', '/console?x=1'))).toMatchObject({ status: 400 });
});
