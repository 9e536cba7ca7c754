// Tokens as an operator uses them: made and created on the command line, seen by all nodes, after kill -9 too, and judged behind the real Nginx.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { type ChorusNodes, runChorus, startChorusNodes, until } from '../servers/chorus.ts';
import { type ChorusNginx, startChorusNginx } from '../servers/chorus-nginx.ts';
import { freePort } from '../servers/places.ts';
import { digestOf } from '../suites/token-callers.ts';
import { send } from '../unit/http/running-node.ts';

const COMMAND = resolve(import.meta.dirname, '../../src/token.ts');
const ADMIN = 'chorus_the-first';

let chorus: ChorusNodes;
let web: string;
beforeAll(async () => {
  const flags = ['--auth', 'tokens', '--admin-token-sha256', digestOf(ADMIN).toString('hex')];
  chorus = await startChorusNodes({ nodes: 2, flags });
  web = await created('web', 'read:in/', 'write:in/');
});
afterAll(() => chorus?.close());

test('a token is created, listed and revoked on the command line', async () => {
  const { stdout, code } = await token('list');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^web {2}\S+Z {2}read:in\/ write:in\/$/m)]);
  const job = await created('job', 'admin');
  expect(await status(0, job, '/v1/cluster')).toBe(200);
  expect((await token('revoke', 'job')).code).toBe(0);
  expect(await status(0, job, '/v1/cluster')).toBe(401);
  const twice = await token('revoke', 'job');
  expect([twice.code, twice.stderr]).toEqual([1, expect.stringContaining('There is no token of this name')]);
  expect((await token('create', 'job', '--scope', 'reed:')).stderr).toContain('did you mean');
  expect((await token('create', 'job')).code).toBe(64);
});

test('every node knows it, and a node that was killed knows it again', async () => {
  await until('the other node knows the token', async () => (await status(1, web, '/v1/keys?prefix=in/')) === 200);
  const { server } = chorus.nodes[1] ?? expect.unreachable();
  await server.kill();
  await server.start();
  expect(await status(1, web, '/v1/keys?prefix=in/')).toBe(200);
  expect(await status(1, web, '/v1/keys')).toBe(403);
});

test('a node on an open address does not go on without a first token', async () => {
  const flags = ['--node-id', 'open', '--host', '0.0.0.0', '--port', String(await freePort()), '--log', 'memory'];
  const { code, stderr } = await runChorus('main.ts', flags, chorus.directory).ended;
  expect([code, stderr]).toEqual([64, expect.stringContaining('node src/token.ts new')]);
});

describe.skipIf(!available('nginx'))('behind Nginx', () => {
  let nginx: ChorusNginx;
  beforeAll(async () => {
    nginx = await startChorusNginx({ nodePorts: [chorus.nodes[0]?.port ?? 0] });
  });
  afterAll(() => nginx?.close());

  test.each([
    ['/v1/keys/in/a', 'in'],
    ['/v1/keys/in%2Fa', 'in'],
    ['/v1/keys/%69n/a', 'in'],
    ['/v1/keys/in/../out', 'in'],
    ['/v1/keys/in/%2e%2e/out', 'in'],
    ['/v1/keys/in//a', 'in'],
    ['/v1/keys/in/', 'in'],
    ['/v1/keys/in', 'out'],
    ['/v1/keys//in/a', 'out'],
    ['/v1/keys/%2Fin/a', 'out'],
    ['/v1/keys/out/../in/a', 'out'],
    ['/v1/keys/./in/a', 'out'],
    ['/v1/keys/IN/a', 'out'],
    ['/v1/keys/in%252Fa', 'out'],
    ['/v1/cluster', 'out'],
    ['/v1/tokens', 'out'],
    ['/metrics', 'out'],
    ['/livez/../metrics', 'nowhere'],
    ['//metrics', 'nowhere'],
    ['/v1/cluster/', 'nowhere'],
    ['/V1/cluster', 'nowhere'],
  ])('%s is %s of what the token may', async (target, where) => {
    const url = `http://127.0.0.1:${nginx.port}`;
    const statusOf = async (headers: Record<string, string>) => (await send(url, 'GET', target, { headers })).status;
    const authorization = `Bearer ${web}`;
    const answered = await statusOf({ authorization });
    expect(answered).toBe(await status(0, web, target));
    if (where === 'in') expect([200, 404]).toContain(answered);
    else expect(answered).toBe(where === 'out' ? 403 : 404);
    expect(await statusOf({})).toBe(401);
    expect(await statusOf({ authorization: 'Bearer chorus_wrong' })).toBe(401);
  });
});

async function status(node: number, bearer: string, target: string): Promise<number> {
  const headers = { authorization: `Bearer ${bearer}` };
  return (await send(chorus.nodes[node]?.url ?? '', 'GET', target, { headers })).status;
}

async function created(name: string, ...scopes: string[]): Promise<string> {
  const { stdout } = await token('create', name, ...scopes.flatMap((scope) => ['--scope', scope]));
  return /^token (chorus_\S{43})$/m.exec(stdout)?.[1] ?? '';
}

function token(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, CHORUS_TOKEN: ADMIN };
  return new Promise((settle) => {
    execFile(
      process.execPath,
      [COMMAND, ...words, '--url', chorus.nodes[0]?.url ?? ''],
      { env },
      (error, stdout, stderr) => settle({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
