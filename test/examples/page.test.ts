// The page for people of the example applications: served whole from here, and told live what happens.
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Example, startExample } from '../servers/example.ts';
import { send } from '../suites/request-rows.ts';

type Told = { readonly status: string; readonly answers: Readonly<Record<string, number>>; readonly recent: unknown[] };

describe('the page', () => {
  let app: Example;
  beforeAll(async () => {
    app = await startExample('cache-aside/main.ts');
  });
  afterAll(() => app?.close());

  test.each(['/', '/page.css', '/page.js'])('has %s, and may load nothing from elsewhere', async (path) => {
    const response = await fetch(`${app.url}${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
  });

  test('names no address of others', () => {
    const shared = resolve(import.meta.dirname, '../../examples/shared');
    const files = readdirSync(shared).filter((name) => name.startsWith('page.'));
    expect(files).toHaveLength(3);
    for (const name of files) {
      const text = readFileSync(resolve(shared, name), 'utf8').replaceAll('http://www.w3.org/2000/svg', '');
      expect(text, name).not.toMatch(/https?:|url\(|@import/);
    }
  });

  test('is told at once where an answer came from, and its stream ends when the application stops', async () => {
    const stream = (await fetch(`${app.url}/live`)).body?.pipeThrough(new TextDecoderStream());
    expect(stream).toBeDefined();
    let told: Told | undefined;
    let isAsked = false;
    let text = '';
    for await (const chunk of stream ?? []) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) if (event.startsWith('data: ')) told = JSON.parse(event.slice('data: '.length));
      if (told !== undefined && !isAsked) {
        isAsked = true;
        expect(told).toMatchObject({ status: 'ok', answers: {}, recent: [] });
        await send(app.url, 'GET /fruit/1');
        await send(app.url, 'GET /fruit/1');
      }
      if (told?.recent.length === 2) void app.stop();
    }
    expect(told).toMatchObject({
      answers: { sqlite: 1, memory: 1 },
      recent: [
        { key: 'fruit:1', from: 'memory', isFound: true },
        { key: 'fruit:1', from: 'sqlite', isFound: true },
      ],
    });
  });
});
