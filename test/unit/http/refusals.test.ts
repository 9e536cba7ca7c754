// What is answered when a node cannot serve: statuses, Retry-After, and what is known of the write.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Outcome, OutcomeCode } from '../../../src/core/outcome.ts';
import type { NodeApi } from '../../../src/node/node-api.ts';
import type { Refusal, WriteRequest, WriteResult } from '../../../src/node/requests.ts';
import { overriding, problemIn, type RunningNode, type Sent, send, startRunningNode } from './running-node.ts';

let running: RunningNode;
let overrides: Partial<NodeApi>;
let submitted: WriteRequest[];
let broken: Error[];

beforeAll(async () => {
  running = await startRunningNode({
    see: (node) =>
      overriding(node, {
        refusal: (kind) => (overrides.refusal ?? ((k) => node.refusal(k)))(kind),
        read: (request) => (overrides.read ?? ((r) => node.read(r)))(request),
        submit: (request) => (overrides.submit ?? ((r) => node.submit(r)))(request),
        status: () => (overrides.status ?? (() => node.status()))(),
        checkDigests: (ms) => (overrides.checkDigests ?? ((m) => node.checkDigests(m)))(ms),
      }),
    http: { onBroken: (error) => broken.push(error) },
  });
});

afterAll(() => running.stop());

beforeEach(() => {
  overrides = {};
  submitted = [];
  broken = [];
});

function call(method: string, target: string, sent?: Sent) {
  return send(running.url, method, target, sent);
}

const WITH_ID: Sent = { body: 'x', headers: { 'idempotency-key': 'mine' } };

function answering(result: (request: WriteRequest) => Partial<WriteResult>): void {
  overrides.submit = async (request) => {
    submitted.push(request);
    return { id: request.id ?? 'made-here', ...result(request) } as WriteResult;
  };
}

test.each<[Refusal, number]>([
  ['replaying', 503],
  ['paused', 503],
  ['stopping', 503],
  ['quarantined', 503],
  ['overloaded', 429],
])(
  'a node that is %s answers %d with Retry-After to reads and writes, before it reads a body',
  async (refusal, status) => {
    overrides.refusal = () => refusal;
    answering(() => ({ kind: 'timed-out', isUnknown: false }));
    for (const target of ['/v1/keys/a', '/v1/keys/a?consistency=linearizable', '/api/cache/a/']) {
      const read = await call('GET', target);
      expect(problemIn(read)).toMatchObject({ status, code: refusal, retryable: true });
      expect(read.headers['retry-after']).toBe('1');
      expect(problemIn(read)).not.toHaveProperty('outcome');
    }
    expect(problemIn(await call('PUT', '/v1/keys/a', { body: 'x' }))).toMatchObject({ status, outcome: 'not-applied' });
    // Another node may have appended a command with an id that came in.
    expect(problemIn(await call('PUT', '/v1/keys/a', WITH_ID))).toMatchObject({
      status,
      outcome: 'unknown',
      id: 'mine',
    });
    expect(submitted).toEqual([]);
  },
);

test.each([
  [{ kind: 'timed-out', isUnknown: true }, 504, 'timed-out', 'unknown'],
  [{ kind: 'timed-out', isUnknown: false }, 504, 'timed-out', 'not-applied'],
  [{ kind: 'refused', reason: 'paused', isUnknown: true }, 503, 'paused', 'unknown'],
  [{ kind: 'refused', reason: 'stopping', isUnknown: false }, 503, 'stopping', 'not-applied'],
  [{ kind: 'refused', reason: 'overloaded', isUnknown: false }, 429, 'overloaded', 'not-applied'],
  [{ kind: 'refused', reason: 'too-large', isUnknown: false }, 413, 'value-too-large', 'not-applied'],
] as const)(
  'a write that ended as %j is answered %d %s, outcome %s, with its id',
  async (result, status, code, outcome) => {
    answering(() => result);
    expect(problemIn(await call('PUT', '/v1/keys/a', { body: 'x' }))).toMatchObject({
      status,
      code,
      outcome,
      id: 'made-here',
    });
  },
);

test.each([
  ['deadline', 504],
  ['memory-full', 507],
] as const)('%s is certain only for an id that was made here', async (code, status) => {
  answering(() => ({ kind: 'applied', outcome: outcomeOf(code) }));
  expect(problemIn(await call('PUT', '/v1/keys/a', { body: 'x' }))).toMatchObject({
    status,
    code,
    outcome: 'not-applied',
  });
  expect(problemIn(await call('PUT', '/v1/keys/a', WITH_ID))).toMatchObject({
    status,
    code,
    outcome: 'unknown',
    id: 'mine',
  });
});

test.each([
  ['condition-failed', 412],
  ['not-found', 404],
  ['not-an-integer', 409],
  ['overflow', 409],
  ['value-too-large', 413],
] as const)('%s is final: %d, not applied, even for an id that came in', async (code, status) => {
  answering(() => ({ kind: 'applied', outcome: outcomeOf(code) }));
  expect(problemIn(await call('PUT', '/v1/keys/a', WITH_ID))).toMatchObject({
    status,
    code,
    outcome: 'not-applied',
    retryable: false,
  });
});

test('an outcome that no client can bring about is a broken invariant: 500 without inner names, and the process is told', async () => {
  answering(() => ({ kind: 'applied', outcome: outcomeOf('no-cluster') }));
  const answer = await call('PUT', '/v1/keys/a', { body: 'x' });
  expect(problemIn(answer)).toMatchObject({ status: 500, code: 'internal-error' });
  expect(answer.text).not.toContain('no-cluster');
  expect(answer.text).not.toContain('.ts');
  expect(broken).toHaveLength(1);
});

test('a command carries what the request said', async () => {
  answering(() => ({ kind: 'timed-out', isUnknown: false }));
  await call('PUT', '/v1/keys/a%2Fb?ttl=5m&timeout=2s', {
    body: 'hello',
    headers: { 'content-type': 'text/plain', 'if-match': '"7", W/"8"', 'idempotency-key': 'mine' },
  });
  await call('POST', '/v1/keys/n?op=increment&by=-3&ttl=1h', { headers: { 'if-none-match': '*' } });
  expect(submitted).toMatchObject([
    {
      id: 'mine',
      caller: '',
      timeoutMs: 2000,
      command: {
        type: 'put',
        key: Buffer.from('a/b'),
        value: Buffer.from('hello'),
        contentType: 'text/plain',
        ttlMs: 300_000,
        condition: { match: [7, 8], noneMatch: 'none' },
      },
    },
    {
      id: undefined,
      timeoutMs: 5000,
      command: {
        type: 'increment',
        key: Buffer.from('n'),
        by: -3n,
        ttlMs: 3_600_000,
        condition: { match: 'none', noneMatch: 'any' },
      },
    },
  ]);
});

test('a consistent read that is refused or late says so, while eventual reads go on', async () => {
  await call('PUT', '/v1/keys/here', { body: 'x' });
  overrides.refusal = (kind) => (kind === 'eventual-read' ? undefined : 'paused');
  expect((await call('GET', '/v1/keys/here')).text).toBe('x');
  expect(problemIn(await call('GET', '/v1/keys/here?consistency=session'))).toMatchObject({
    status: 503,
    code: 'paused',
  });
  overrides.refusal = () => undefined;
  overrides.read = async () => ({ kind: 'timed-out' });
  expect(problemIn(await call('GET', '/v1/keys/here?consistency=linearizable'))).toMatchObject({
    status: 504,
    code: 'revision-not-reached',
  });
});

test('a node that replays is alive but not ready, and says how far it is', async () => {
  const progress = { records: 50, bytes: 5000, percent: 25, recordsPerSecond: 100, secondsLeft: 1.5 };
  overrides.status = () => ({ phase: 'replaying', progress, lagMs: 10, degraded: [] });
  expect((await call('GET', '/livez')).status).toBe(200);
  const short = await call('GET', '/readyz');
  expect(problemIn(short)).toMatchObject({ status: 503, code: 'replaying' });
  expect(short.headers['retry-after']).toBe('1');
  expect(problemIn(await call('GET', '/readyz?verbose'))).toMatchObject({ status: 503, phase: 'replaying', progress });
});

test('a degraded node stays ready and says what is wrong', async () => {
  const degraded = ['the log is unreachable'];
  const { progress } = running.node.status();
  overrides.status = () => ({ phase: 'ready', progress, lagMs: 10, degraded });
  const answer = await call('GET', '/readyz');
  expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { status: 'degraded', node: 'node-1', degraded }]);
  expect(JSON.parse((await call('GET', '/api/health/')).text)).toEqual({
    message: 'It works!!!',
    payload: { message_broker: 'degraded' },
  });
});

test('digests that are not reported in time are a 504, those of a refusing node a 503', async () => {
  overrides.checkDigests = async () => ({ kind: 'timed-out' });
  expect(problemIn(await call('GET', '/v1/cluster?check=digests'))).toMatchObject({
    status: 504,
    code: 'check-timed-out',
  });
  overrides.checkDigests = async () => ({ kind: 'refused', reason: 'replaying' });
  expect(problemIn(await call('GET', '/v1/cluster?check=digests'))).toMatchObject({ status: 503, code: 'replaying' });
});

function outcomeOf(code: OutcomeCode): Outcome {
  return { code, revision: 9, detail: 0n, isRepeat: false };
}
