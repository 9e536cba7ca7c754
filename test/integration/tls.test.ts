// HTTPS of nodes and of the gateway with real certificates: who gets a connection, and certificates that change under load.
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemWorld } from '../../src/base/system-world.ts';
import { ChorusClient } from '../../src/client/client.ts';
import { startGateway } from '../../src/cluster/gateway.ts';
import { reachNodes } from '../../src/cluster/node-reach.ts';
import type { TlsFiles } from '../../src/http/certificates.ts';
import type { HttpServerOptions } from '../../src/http/server.ts';
import { available } from '../servers/available.ts';
import { type Authority, createAuthority, type Issued } from '../servers/certificates.ts';
import { ChildServer } from '../servers/child-server.ts';
import { freePorts, runChorus, until } from '../servers/chorus.ts';
import { freePort, temporaryDirectory } from '../servers/places.ts';
import { type RunningNode, startRunningNode } from '../unit/http/running-node.ts';

describe.skipIf(!available('openssl'))('TLS', () => {
  let directory: string;
  let authority: Authority;
  let server: Issued;
  let client: Issued;
  const undo: (() => unknown)[] = [];

  beforeAll(() => {
    directory = temporaryDirectory('tls');
    authority = createAuthority(directory);
    client = authority.issue('client');
  });
  afterEach(async () => {
    for (const each of undo.splice(0).reverse()) await each();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function startNode(
    clientAuth: TlsFiles['clientAuth'],
    http: Partial<HttpServerOptions> = {},
  ): Promise<RunningNode> {
    server = authority.issue('server');
    const node = await startRunningNode({ http: { tls: filesFor(clientAuth), ...http } });
    undo.push(() => node.stop());
    return node;
  }

  function filesFor(clientAuth: TlsFiles['clientAuth']): TlsFiles {
    return { ...server, caFile: clientAuth === 'required' ? authority.caFile : '', clientAuth };
  }

  /** What one GET is answered, and over which certificate and connection. */
  async function get(port: number, who: Issued | undefined, agent?: Agent) {
    const outgoing = request({ port, host: '127.0.0.1', path: '/livez', agent: agent ?? false, ...trusting(who) });
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const { localPort } = incoming.socket;
    const { fingerprint256 } = (incoming.socket as TLSSocket).getPeerCertificate();
    return { status: incoming.statusCode, body: await text(incoming), fingerprint256, localPort };
  }

  function trusting(who: Issued | undefined) {
    const ca = readFileSync(authority.caFile);
    return who === undefined ? { ca } : { ca, cert: readFileSync(who.certFile), key: readFileSync(who.keyFile) };
  }

  test('a node with a certificate answers over TLS, and nothing to plain HTTP', async () => {
    const { server } = await startNode('none');
    expect(await get(server.port, undefined)).toMatchObject({ status: 200, body: 'ok\n' });
    await expect(fetch(`http://127.0.0.1:${server.port}/livez`)).rejects.toThrow();
  });

  test('a turn that is too long is told of over TLS too, by way of Node and from bytes alone', async () => {
    const turn = { requests: -1, writesMs: -1, readsMs: Infinity, keyReadsMs: Infinity };
    const { server } = await startNode('none', { turn });
    const socket = connect({ port: server.port, host: '127.0.0.1', ca: readFileSync(authority.caFile) });
    undo.push(() => socket.destroy());
    const put = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx';
    const get = 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answers: string[] = [];
    for (const one of [put, put, put, get]) {
      socket.write(one);
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      answers.push(bytes.toString('latin1'));
    }
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['429', '429', '429', '404']);
    expect(answers.map((answer) => answer.includes('"instance"'))).toEqual([true, true, false, true]);
  });

  test('with clientAuth required only those get in whose certificate the authority signed', async () => {
    const { server } = await startNode('required');
    const stranger = createAuthority(directory, 'stranger').issue('intruder');
    expect(await get(server.port, client)).toMatchObject({ status: 200 });
    await expect(get(server.port, undefined)).rejects.toMatchObject({
      code: expect.stringMatching(/SSL|ECONNRESET|EPIPE/),
    });
    await expect(get(server.port, stranger)).rejects.toMatchObject({
      code: expect.stringMatching(/SSL|ECONNRESET|EPIPE/),
    });
  });

  test('the command line for tokens asks over TLS, and trusts only the authority that it was given', async () => {
    const { server } = await startNode('none');
    const list = (...words: string[]) =>
      runChorus('token.ts', ['list', '--url', `https://127.0.0.1:${server.port}`, ...words], directory).ended;
    const stranger = createAuthority(directory, 'stranger');
    expect(await list('--ca-file', authority.caFile)).toEqual({ code: 0, stdout: '', stderr: '' });
    const untrusting = [await list(), await list('--ca-file', stranger.caFile)];
    expect(untrusting.map(({ code }) => code)).toEqual([69, 69]);
    const noCertificate = await list('--ca-file', client.keyFile);
    expect([noCertificate.code, noCertificate.stderr]).toEqual([
      64,
      expect.stringContaining('there is no certificate'),
    ]);
  });

  test('a new certificate serves new connections, and those that are open go on with the old one', async () => {
    const { server } = await startNode('none');
    const agent = new Agent({ keepAlive: true });
    undo.push(() => agent.destroy());
    const before = await get(server.port, undefined, agent);
    authority.issue('server');
    await until('the new certificate is served', async () => {
      return (await get(server.port, undefined)).fingerprint256 !== before.fingerprint256;
    });
    const after = await get(server.port, undefined, agent);
    expect([after.status, after.localPort, after.fingerprint256]).toEqual([
      200,
      before.localPort,
      before.fingerprint256,
    ]);
  });

  test('files that do not fit together are told, the old certificate goes on, and mended ones are taken', async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => lines.push(line) });
    const { server: http } = await startNode('none', { logger });
    const before = await get(http.port, undefined);
    const key = readFileSync(server.keyFile);
    writeFileSync(server.keyFile, readFileSync(client.keyFile));
    await until('it is told', async () => lines.join().includes('could not be taken'));
    expect((await get(http.port, undefined)).fingerprint256).toBe(before.fingerprint256);
    writeFileSync(server.keyFile, key);
    await until('they are taken', async () => lines.join().includes('new certificates were taken'));
    expect(lines.join()).not.toContain('PRIVATE KEY');
  });

  test('a server is not started with a certificate that cannot be read, and says which file', async () => {
    server = authority.issue('server');
    const tls = { ...filesFor('none'), keyFile: join(directory, 'none.key') };
    const starting = startRunningNode({ http: { tls } });
    await expect(starting).rejects.toMatchObject({ exitCode: 64, message: expect.stringContaining('none.key') });
  });

  test('no request through the gateway fails while the certificates of all change', async () => {
    const node = await startNode('required');
    const tls = filesFor('required');
    const lines: string[] = [];
    const gateway = await startGateway({
      host: '127.0.0.1',
      port: 0,
      nodes: [{ id: 'node-1', origin: `https://127.0.0.1:${node.server.port}` }],
      maxBodyBytes: 1024,
      defaultConsistency: 'eventual',
      world: systemWorld,
      logger: pino({}, { write: (line: string) => lines.push(line) }),
      reach: reachNodes(tls),
      tls,
      onReadiness() {},
    });
    undo.push(() => gateway.close(0));
    const baseUrls = [`https://localhost:${gateway.port}`];
    const open = () => new ChorusClient({ baseUrls, tls: trusting(client), deadlineMs: 5_000 });
    for (let change = 0; change < 2; change++) {
      const seen = lines.length;
      authority.issue('server');
      do {
        // New connections each time, to the gateway; those to the node it keeps as long as they last.
        const client = open();
        const { revision } = await client.put('key', 'value');
        expect(await client.get('key')).toMatchObject({ kind: 'found', revision });
        client.close();
      } while (!lines.slice(seen).join().includes('new certificates were taken'));
    }
  });

  test('npm start serves nodes and gateway over TLS with clients known by their certificates', async () => {
    server = authority.issue('server');
    const [port, gatewayPort] = [await freePorts(2), await freePort()];
    const own = ['--nodes', '2', '--port', String(port), '--gateway-port', String(gatewayPort)];
    const tls = ['--tls-cert-file', server.certFile, '--tls-key-file', server.keyFile];
    const asked = ['--tls-ca-file', authority.caFile, '--tls-client-auth', 'required'];
    const cluster = new ChildServer({
      name: 'npm start over TLS',
      command: process.execPath,
      args: [
        join(import.meta.dirname, '../../src/cluster/start.ts'),
        ...own,
        ...tls,
        ...asked,
        '--data-dir',
        join(directory, 'data'),
      ],
      directory,
      isReady: async () => cluster.output.includes('Try it'),
      readyTimeoutMs: 60_000,
    });
    undo.push(() => cluster.kill());
    await cluster.start();
    const origins = [gatewayPort, port, port + 1].map((each) => `https://127.0.0.1:${each}`);
    for (const origin of origins) {
      const chorus = new ChorusClient({ baseUrls: [origin], tls: trusting(client) });
      const { value } = await chorus.increment('asked');
      expect(value).toBe(BigInt(origins.indexOf(origin) + 1));
      chorus.close();
    }
    for (const each of [gatewayPort, port]) await expect(get(each, undefined)).rejects.toThrow();
  });
});
