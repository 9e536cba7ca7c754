// Nginx with the project's files before fake nodes, for one test, and raw requests to it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ChorusNginx, startChorusNginx } from '../servers/chorus-nginx.ts';
import { type Asked, type FakeNode, startFakeNode } from '../servers/fake-node.ts';
import { freePort } from '../servers/places.ts';

export type Answering = (asked: Asked, response: ServerResponse) => void;

type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: Record<string, unknown>;
};
type Front = {
  readonly nodes: readonly FakeNode[];
  readonly nginx: ChorusNginx;
  send(
    method: string,
    target: string,
    more?: { readonly headers?: Record<string, string>; readonly body?: string | Buffer },
  ): Promise<Answer>;
};

/** Nginx before one fake node for each way of answering, in order, and before ports where none is; without any: one free port. */
export async function front(
  answering: readonly Answering[],
  replace: Readonly<Record<string, string>> = {},
  ports: readonly number[] = [],
): Promise<Front> {
  const nodes: FakeNode[] = [];
  for (const answer of answering) {
    const node = await startFakeNode(answer);
    nodes.push(node);
    onTestFinished(() => node.close());
  }
  const nodePorts = [...ports, ...nodes.map((node) => node.port)];
  if (nodePorts.length === 0) nodePorts.push(await freePort());
  const nginx = await startChorusNginx({ nodePorts, replace });
  onTestFinished(() => nginx.close());
  return { nodes, nginx, send: (method, target, more) => send(nginx.port, method, target, more ?? {}) };
}

export async function send(
  port: number,
  method: string,
  path: string,
  more: { readonly headers?: Record<string, string>; readonly body?: string | Buffer },
): Promise<Answer> {
  const asking = request({ port, host: '127.0.0.1', method, path, headers: more.headers, agent: false });
  asking.end(more.body);
  const [response] = await once(asking, 'response');
  let body = '';
  for await (const chunk of response) body += String(chunk);
  const isJson = String(response.headers['content-type']).endsWith('json');
  return { status: response.statusCode, headers: response.headers, body, json: isJson ? JSON.parse(body || '{}') : {} };
}

/** Sends the text and resolves with all that comes back until the other side closes. */
export async function exchange(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

/** A port whose connections are never established: its owner sleeps and its queue is full. */
export async function deafPort(): Promise<number> {
  const port = await freePort();
  const program = `require('net').createServer().listen({ port: ${port}, host: '127.0.0.1', backlog: 1 }, () => {
    require('fs').writeSync(1, 'listening');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
  const owner: ChildProcess = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (owner.stdout === null) throw new Error('no output to wait for');
  await once(owner.stdout, 'data');
  const sockets = Array.from({ length: 4 }, () => connect({ port, host: '127.0.0.1', autoSelectFamily: false }));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    owner.kill('SIGKILL');
  });
  return port;
}

export function answerProblem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' });
  response.end(JSON.stringify({ status, code }));
}
