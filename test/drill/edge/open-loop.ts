// Clients that do not wait for each other: requests begin at a fixed rate whatever becomes of those before. A process of its own; prints a line of JSON each second, and one of all.
import { connect, type Socket } from 'node:net';

export type OpenLoopTask = {
  readonly ports: readonly number[];
  /** Undefined: as fast as `connections` are answered. */
  readonly ratePerSecond: number | undefined;
  readonly seconds: number;
  readonly connections: number;
  readonly writeShare: number;
  /** One that has had no answer by then is given up, and its connection with it. */
  readonly patienceMs: number;
};

export type OpenLoopSecond = {
  /** How long it was: where clients are at their own limit, longer than a second. */
  readonly ms: number;
  readonly begun: number;
  readonly reads: number;
  readonly writes: number;
  /** 429 with Retry-After. */
  readonly refusedReads: number;
  readonly refusedWrites: number;
  readonly givenUp: number;
  /** All connections were busy. */
  readonly unsent: number;
  /** Connections that broke, by status all other answers. */
  readonly broken: number;
  readonly others: Readonly<Record<string, number>>;
} & OpenLoopFigures;

/** From the moment at which a request should have begun, of those that were served. */
export type OpenLoopFigures = { readonly p50Ms: number; readonly p99Ms: number };

/** The last line. `processor`: the share of one that these clients took, 1 when they were at their own limit. */
export type OpenLoopEnd = OpenLoopFigures & { readonly processor: number };

const KEYS = 10_000;
const BODY = 'v'.repeat(100);
const TICK_MS = 5;
/** One that finds no connection free for so long is not sent: its answer would come too late for anybody. */
const UNSENT_MS = 100;

const task = JSON.parse(process.argv[2] ?? '') as OpenLoopTask;
let second = emptySecond();
let latencies: number[] = [];
const all: number[] = [];
const idle: Client[] = [];
const waiting: number[] = [];
const busy = new Set<Client>();
let isOver = false;
let toldMs = 0;

/** Made once: what a request costs here limits how many can be offered. */
const REQUESTS = Array.from({ length: KEYS }, (_, n) => {
  const head = `/v1/keys/overload-${n} HTTP/1.1\r\nHost: localhost\r\n`;
  return { read: `GET ${head}\r\n`, write: `PUT ${head}Content-Length: ${BODY.length}\r\n\r\n${BODY}` };
});

type Client = { socket: Socket; port: number; dueMs: number; beganMs: number; isWrite: boolean; received: string };

for (let n = 0; n < task.connections; n++) open(task.ports[n % task.ports.length] ?? 0);
let startedMs = 0;
let startedUsage = process.cpuUsage();
let due = 0;

/** When all connections are open: to open them is no part of the load. */
function start(): void {
  startedMs = performance.now();
  toldMs = startedMs;
  startedUsage = process.cpuUsage();
  second = emptySecond();
  setInterval(tick, TICK_MS);
  setInterval(tell, 1000);
  setTimeout(end, task.seconds * 1000 + TICK_MS);
}

function emptySecond() {
  const others: Record<string, number> = {};
  return { begun: 0, reads: 0, writes: 0, refusedReads: 0, refusedWrites: 0, givenUp: 0, unsent: 0, broken: 0, others };
}

function tick(): void {
  const nowMs = performance.now();
  if (task.ratePerSecond === undefined) {
    while (idle.length > 0) begin(nowMs);
  } else {
    const wanted = ((nowMs - startedMs) / 1000) * task.ratePerSecond;
    for (; due < wanted; due++) {
      second.begun++;
      waiting.push(nowMs);
    }
    serveWaiting();
  }
  for (const client of busy) {
    if (nowMs - client.beganMs <= task.patienceMs) break;
    second.givenUp++;
    busy.delete(client);
    client.socket.destroy();
  }
  while (waiting.length > 0 && nowMs - (waiting[0] ?? 0) > UNSENT_MS) {
    waiting.shift();
    second.unsent++;
  }
}

function serveWaiting(): void {
  while (idle.length > 0 && waiting.length > 0) begin(waiting.shift() ?? 0);
}

function begin(dueMs: number): void {
  const client = idle.pop();
  if (client === undefined) return;
  if (task.ratePerSecond === undefined) second.begun++;
  const isWrite = Math.random() < task.writeShare;
  client.dueMs = dueMs;
  client.beganMs = performance.now();
  client.isWrite = isWrite;
  client.received = '';
  busy.add(client);
  const request = REQUESTS[Math.floor(Math.random() * KEYS)];
  client.socket.write((isWrite ? request?.write : request?.read) ?? '', 'latin1');
}

function open(port: number): void {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const client: Client = { socket, port, dueMs: 0, beganMs: 0, isWrite: false, received: '' };
  socket.on('connect', () => free(client));
  socket.on('data', (chunk: Buffer) => take(client, chunk.toString('latin1')));
  socket.on('error', () => {});
  socket.on('close', () => {
    if (isOver) return;
    if (busy.delete(client)) second.broken++;
    const place = idle.indexOf(client);
    if (place >= 0) idle.splice(place, 1);
    setTimeout(() => open(port), 100);
  });
}

function take(client: Client, text: string): void {
  client.received = client.received === '' ? text : client.received + text;
  const end = client.received.indexOf('\r\n\r\n');
  if (end < 0) return;
  const head = client.received.slice(0, end);
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  if (client.received.length < end + 4 + length) return;
  if (!busy.delete(client)) return;
  count(client, Number(head.slice(9, 12)), /^retry-after: /im.test(head));
  free(client);
}

function count({ isWrite, dueMs }: Client, status: number, hasRetryAfter: boolean): void {
  if (status < 300 || status === 404) {
    if (isWrite) second.writes++;
    else second.reads++;
    latencies.push(performance.now() - dueMs);
  } else if (status === 429 && hasRetryAfter) {
    if (isWrite) second.refusedWrites++;
    else second.refusedReads++;
  } else second.others[status] = (second.others[status] ?? 0) + 1;
}

function free(client: Client): void {
  idle.push(client);
  if (startedMs === 0) {
    if (idle.length === task.connections) start();
    return;
  }
  if (task.ratePerSecond === undefined && !isOver) begin(performance.now());
  else serveWaiting();
}

function tell(): void {
  const nowMs = performance.now();
  const said: OpenLoopSecond = { ms: nowMs - toldMs, ...second, ...percentiles(latencies) };
  toldMs = nowMs;
  process.stdout.write(`${JSON.stringify(said)}\n`);
  for (const latency of latencies) all.push(latency);
  second = emptySecond();
  latencies = [];
}

function percentiles(of: number[]): OpenLoopFigures {
  of.sort((a, b) => a - b);
  const at = (share: number) => Math.round((of[Math.floor(of.length * share)] ?? 0) * 10) / 10;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function end(): void {
  isOver = true;
  const { user, system } = process.cpuUsage(startedUsage);
  const processor = (user + system) / 1000 / (performance.now() - startedMs);
  const said: OpenLoopEnd = { ...percentiles(all), processor };
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
}
