// A backup taken from running nodes and restored into another cluster, on either log, also when the node that restores is killed.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { type ChorusNodes, startChorusNodes } from '../servers/chorus.ts';
import { startKafka } from '../servers/kafka.ts';

const VERIFY = resolve(import.meta.dirname, '../../src/verify.ts');
const KEYS = 2000;
const VALUE = 'x'.repeat(1000);

type Cluster = { readonly chorus: ChorusNodes; close(): Promise<void> };

async function onEmbedded(nodes: number): Promise<Cluster> {
  const chorus = await startChorusNodes({ nodes });
  return { chorus, close: () => chorus.close() };
}

async function onKafka(nodes: number): Promise<Cluster> {
  const kafka = await startKafka({ brokers: 1 });
  const flags = ['--log', 'kafka', '--kafka-brokers', kafka.brokers];
  const chorus = await startChorusNodes({ nodes, flags });
  return {
    chorus,
    async close() {
      await chorus.close();
      await kafka.close();
    },
  };
}

let source: Cluster;
let backup: Buffer;
let etag: string;
let revision: number;

beforeAll(async () => {
  source = await onEmbedded(2);
  const url = urlOf(source, 0);
  for (let first = 0; first < KEYS; first += 500) {
    const items = Array.from({ length: 500 }, (_, i) => ({ op: 'put', key: `many/${first + i}`, value: VALUE }));
    await ask(`${url}/v1/batch`, { method: 'POST', json: { items } });
  }
  await ask(`${url}/v1/keys/short?ttl=1h`, { method: 'PUT', body: 'lives for an hour' });
  const last = await ask(`${url}/v1/keys/typed`, { method: 'PUT', body: '{}', type: 'application/json' });
  etag = last.headers.get('etag') ?? '';
  const answer = await fetch(`${url}/v1/snapshot`);
  revision = Number(answer.headers.get('chorus-revision'));
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/vnd.chorus.snapshot']);
  backup = Buffer.from(await answer.arrayBuffer());
});
afterAll(() => source?.close());

describe('a backup', () => {
  test('is found good by verify', () => {
    const path = join(source.chorus.directory, 'backup');
    writeFileSync(path, backup);
    expect(execFileSync(process.execPath, [VERIFY, path], { encoding: 'utf8' })).toContain(`${KEYS + 2} keys`);
  });

  test('is refused by the cluster that it is of, which has keys, and changes nothing there', async () => {
    const refused = await fetch(`${urlOf(source, 1)}/v1/restore`, { method: 'POST', body: new Uint8Array(backup) });
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'not-empty', outcome: 'not-applied' }]);
    await ask(`${urlOf(source, 1)}/v1/keys/typed`, { method: 'PUT', body: '{}', type: 'application/json' });
  });
});

restoring('the embedded log', onEmbedded, true);
restoring('Kafka', onKafka, available('kafka'));

function restoring(log: string, start: (nodes: number) => Promise<Cluster>, isPossible: boolean): void {
  describe.skipIf(!isPossible)(`a backup into a cluster on ${log}`, () => {
    let target: Cluster;
    beforeAll(async () => {
      target = await start(2);
    });
    afterAll(() => target?.close());

    test.each([
      ['cut off', (whole: Buffer) => whole.subarray(0, whole.length - 100)],
      ['changed in one byte', (whole: Buffer) => flipped(whole)],
      ['of something else', () => Buffer.from('a text')],
    ])('%s it is refused, and nothing is changed', async (_, spoil) => {
      const body = new Uint8Array(spoil(backup));
      const refused = await fetch(`${urlOf(target, 0)}/v1/restore`, { method: 'POST', body });
      expect([refused.status, await refused.json()]).toMatchObject([
        400,
        { code: 'invalid-body', outcome: 'not-applied' },
      ]);
      const { members } = await json(`${urlOf(target, 0)}/v1/cluster`);
      expect(members.map(({ keys }) => keys)).toEqual([0, 0]);
    });

    test('it is restored whole though the node that began is killed: the other goes on with the same backup', async () => {
      const begun = fetch(`${urlOf(target, 0)}/v1/restore`, { method: 'POST', body: new Uint8Array(backup) });
      begun.catch(() => undefined);
      await expect.poll(async () => (await json(`${urlOf(target, 1)}/v1/keys?limit=1`)).keys.length).toBe(1);
      await target.chorus.nodes[0]?.server.kill();
      const done = await fetch(`${urlOf(target, 1)}/v1/restore`, { method: 'POST', body: new Uint8Array(backup) });
      const answer = (await done.json()) as Answer;
      // Where the first had come to its end already, the cluster has keys.
      if (done.status === 200) expect(answer).toMatchObject({ keys: KEYS + 2 });
      else expect([done.status, answer.code]).toEqual([409, 'not-empty']);
      await target.chorus.nodes[0]?.server.start();
    });

    test('every node has its values, types, ETags and times to live, and goes on above its revision', async () => {
      const written = await ask(`${urlOf(target, 0)}/v1/keys/new`, { method: 'PUT', body: 'new' });
      const token = { 'Chorus-Min-Revision': written.headers.get('chorus-revision') ?? '' };
      expect(Number(token['Chorus-Min-Revision'])).toBeGreaterThan(revision);
      for (const at of [0, 1]) {
        const url = urlOf(target, at);
        const typed = await fetch(`${url}/v1/keys/typed`, { headers: token });
        expect([await typed.text(), typed.headers.get('etag'), typed.headers.get('content-type')]).toEqual([
          '{}',
          etag,
          'application/json',
        ]);
        const short = await fetch(`${url}/v1/keys/short`, { headers: token });
        expect(Number(short.headers.get('chorus-ttl-ms'))).toBeGreaterThan(50 * 60_000);
        expect(Number(short.headers.get('chorus-ttl-ms'))).toBeLessThanOrEqual(3_600_000);
        expect(await (await fetch(`${url}/v1/keys/many/${KEYS - 1}`, { headers: token })).text()).toBe(VALUE);
      }
      const checked = await json(`${urlOf(target, 0)}/v1/cluster?check=digests&timeout=30s`);
      expect(checked.agreed).toBe(true);
      const { members } = await json(`${urlOf(target, 0)}/v1/cluster`);
      expect(members.every(({ keys }) => keys === KEYS + 3)).toBe(true);
    });
  });
}

function urlOf({ chorus }: Cluster, at: number): string {
  return chorus.nodes[at]?.url ?? '';
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
}

/** What of an answer's JSON is looked at here. */
type Answer = {
  readonly code?: string;
  readonly agreed?: boolean;
  readonly keys: readonly unknown[];
  readonly members: readonly { readonly keys: number }[];
};
type Asked = { readonly method: string; readonly body?: string; readonly json?: unknown; readonly type?: string };

async function ask(url: string, { method, body, json, type }: Asked): Promise<Response> {
  const text = json === undefined ? body : JSON.stringify(json);
  const headers = json === undefined && type === undefined ? {} : { 'Content-Type': type ?? 'application/json' };
  const response = await fetch(url, { method, headers, ...(text !== undefined && { body: text }) });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response;
}

async function json(url: string): Promise<Answer> {
  return (await (await fetch(url)).json()) as Answer;
}
