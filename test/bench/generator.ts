// The load generator, a process of its own: raw sockets, one request in flight on each, random keys; prints its figures as JSON.
import { connect, type Socket } from 'node:net';
import { type Api, type RequestKind, requestFor } from './requests.ts';

export type GeneratorTask = {
  readonly port: number;
  readonly api: Api;
  readonly kind: RequestKind;
  /** Each key once; else random ones for `seconds`. */
  readonly isFill: boolean;
  readonly connections: number;
  readonly seconds: number;
  readonly keys: number;
  readonly valueBytes: number;
};
export type GeneratorFigures = {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were no success. */
  readonly failed: number;
};

const HEAD_END = Buffer.from('\r\n\r\n');
/** Latencies are counted in steps of 10 µs up to 1 s. */
const STEPS_PER_MS = 100;
const latencies = new Uint32Array(1000 * STEPS_PER_MS);

const task = JSON.parse(process.argv[2] ?? '') as GeneratorTask;
const requests = Array.from({ length: task.keys }, (_, n) =>
  requestFor(task.api, task.kind, n, Buffer.alloc(task.valueBytes, `value ${n} `)),
);
const state = { sent: 0, answered: 0, failed: 0, endsAt: Number.POSITIVE_INFINITY };

const startedAt = performance.now();
if (!task.isFill) state.endsAt = startedAt + task.seconds * 1000;
await Promise.all(Array.from({ length: task.connections }, () => run()));
const figures: GeneratorFigures = {
  requests: state.answered,
  seconds: (performance.now() - startedAt) / 1000,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  failed: state.failed,
};
console.log(JSON.stringify(figures));

function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: task.port, host: '127.0.0.1', noDelay: true });
    let received: Buffer | undefined;
    let sentAt = 0;
    const send = (): void => {
      const request = nextRequest();
      if (request === undefined) {
        finish(socket, resolve);
        return;
      }
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed a connection')));
    socket.on('data', (chunk: Buffer) => {
      received = received === undefined ? chunk : Buffer.concat([received, chunk]);
      if (!isWhole(received)) return;
      // "HTTP/1.1 2": the tenth character tells success.
      if (received[9] !== 0x32) state.failed += 1;
      received = undefined;
      const step = Math.min(latencies.length - 1, Math.floor((performance.now() - sentAt) * STEPS_PER_MS));
      latencies[step] = (latencies[step] ?? 0) + 1;
      state.answered += 1;
      send();
    });
  });
}

function finish(socket: Socket, resolve: () => void): void {
  socket.removeAllListeners('close');
  socket.destroy();
  resolve();
}

function nextRequest(): Buffer | undefined {
  if (task.isFill) return requests[state.sent++];
  if (performance.now() >= state.endsAt) return undefined;
  return requests[Math.floor(Math.random() * requests.length)];
}

/** Whether the bytes hold one whole answer; all of these servers give a Content-Length. */
function isWhole(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return false;
  const length = /content-length: *(\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1];
  if (length === undefined) throw new Error('an answer without Content-Length');
  return bytes.length >= headEnd + HEAD_END.length + Number(length);
}

function percentile(share: number): number {
  let left = state.answered * share;
  for (const [step, count] of latencies.entries()) {
    left -= count;
    if (left <= 0) return (step + 1) / STEPS_PER_MS;
  }
  return Number.NaN;
}
