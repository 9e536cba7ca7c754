// Writes that meet a cluster at a bad time: while its log is gone, and while they wait in the sockets of a stopped node.
import { expect } from 'vitest';
import { ask, keyPath, targetOf } from '../drill/requests.ts';
import type { ChorusNodeServer } from '../servers/chorus.ts';

type Told = { readonly url: string; readonly key: string; readonly outcome: string };

/** Every write must be answered 504 within its timeout: unknown through Nginx, either way by a node that was asked without an id. */
export async function writeDirectlyAndThroughNginx(
  nodes: readonly string[],
  front: string,
  name: string,
): Promise<Told[]> {
  const urls = [...nodes, ...nodes, front, front, front];
  return Promise.all(
    urls.map(async (url, n) => {
      const key = `${name}/${n}`;
      const answer = await fetch(`${url}/v1/keys/${key}?timeout=${1 + (n % 2)}s`, { method: 'PUT', body: 'x' });
      const { code, outcome = '' } = (await answer.json()) as { code?: string; outcome?: string };
      expect([url, answer.status, code]).toEqual([url, 504, 'timed-out']);
      expect(url === front ? ['unknown'] : ['unknown', 'not-applied']).toContain(outcome);
      return { url, key, outcome };
    }),
  );
}

const ON_OPEN_CONNECTIONS = 50;
const ON_NEW_CONNECTIONS = 400;
const PATIENCE_MS = 120_000;

/** Stops the node and sends it writes, on connections that it had taken before and on new ones, which it cannot accept now. */
export async function writesThatWait({ port, server }: ChorusNodeServer): Promise<{
  readonly keys: readonly string[];
  /** `503 paused` and so on, once the node goes on. */
  readonly answers: Promise<readonly string[]>;
}> {
  const open = targetOf(port, ON_OPEN_CONNECTIONS);
  const greeting = { method: 'GET', path: '/livez' } as const;
  await Promise.all(Array.from({ length: ON_OPEN_CONNECTIONS }, () => ask(open, greeting, PATIENCE_MS)));
  await server.pause();
  const keys = Array.from({ length: ON_OPEN_CONNECTIONS + ON_NEW_CONNECTIONS }, (_, n) => `waiting/${n}`);
  const answers = keys.map(async (key, n) => {
    const target = n < ON_OPEN_CONNECTIONS ? open : targetOf(port, 1);
    const answer = await ask(target, { method: 'PUT', path: keyPath(key), body: 'too late' }, PATIENCE_MS);
    if (answer.kind === 'lost') return answer.trouble;
    return `${answer.status} ${answer.status < 400 ? answer.body : (JSON.parse(answer.body) as { code: string }).code}`;
  });
  return { keys, answers: Promise.all(answers) };
}
