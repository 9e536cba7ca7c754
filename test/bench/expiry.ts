// How a node answers while a million keys expire within one second: the latencies of reads and writes before, and until all are removed.
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { cpus } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startChorus } from './servers.ts';

const BATCH_ITEMS = 1000;
const BATCHES_AT_ONCE = 4;
const CONNECTIONS = 8;
const VALUE = 'v'.repeat(100);
const CALM_SECONDS = 10;

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, 'fill-seconds': { type: 'string', default: '120' } },
});
await main(Number(values.keys), Number(values['fill-seconds']));

async function main(keys: number, fillSeconds: number): Promise<void> {
  const side = await startChorus();
  const agent = new Agent({ keepAlive: true });
  const send = sender(side.port, agent);
  try {
    const expiresAt = Date.now() + (fillSeconds + CALM_SECONDS) * 1000;
    await fill(send, keys, expiresAt);
    const calm = await measured(send, () => delay(CALM_SECONDS * 1000));
    const stored = await keysStored(send);
    await delay(expiresAt - Date.now() - 500);
    let removedSeconds = 0;
    const busy = await measured(send, async () => {
      await delay(expiresAt - Date.now());
      while ((await keysStored(send)) > CONNECTIONS) await delay(100);
      removedSeconds = (Date.now() - expiresAt) / 1000;
    });
    console.log(
      `${stored} keys of ${VALUE.length} B expire at one moment; all are removed ${removedSeconds.toFixed(1)} s later`,
    );
    print('before', calm);
    print('until all are removed', busy);
    const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}`;
    console.log(
      `${machine}, ${CONNECTIONS} connections, one request in flight on each; embedded log, every PUT durable`,
    );
  } finally {
    agent.destroy();
    await side.stop();
  }
}

type Send = (method: string, target: string, body?: string) => Promise<string>;
type Latencies = Readonly<Record<'GET' | 'PUT', number[]>>;

function sender(port: number, agent: Agent): Send {
  return async (method, target, body) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const outgoing = request({ port, host: '127.0.0.1', agent, method, path: target, headers });
    outgoing.end(body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const answer = await text(incoming);
    if ((incoming.statusCode ?? 500) >= 400) throw new Error(`${method} ${target}: ${incoming.statusCode} ${answer}`);
    return answer;
  };
}

/** Stores keys that all live until `expiresAt`. */
async function fill(send: Send, keys: number, expiresAt: number): Promise<void> {
  let next = 0;
  const store = async () => {
    for (let first = next; first < keys; first = next) {
      next += BATCH_ITEMS;
      const ttl = `${expiresAt - Date.now()}ms`;
      const items = Array.from({ length: Math.min(BATCH_ITEMS, keys - first) }, (_, n) => {
        return { op: 'put', key: `short/${first + n}`, value: VALUE, ttl };
      });
      await send('POST', '/v1/batch?timeout=60s', JSON.stringify({ items }));
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, store));
  if (Date.now() > expiresAt - CALM_SECONDS * 1000) throw new Error('filling took too long: give --fill-seconds');
}

/** Milliseconds of each read and write that was made, half of each, until `during` is over. */
async function measured(send: Send, during: () => Promise<void>): Promise<Latencies> {
  const latencies: Latencies = { GET: [], PUT: [] };
  let isOn = true;
  const run = async (_: unknown, connection: number) => {
    for (let n = 0; isOn; n++) {
      const method = n % 2 === 0 ? 'PUT' : 'GET';
      const startedAt = performance.now();
      await send(method, `/v1/keys/kept/${connection}`, method === 'PUT' ? VALUE : undefined);
      latencies[method].push(performance.now() - startedAt);
    }
  };
  const runs = Promise.all(Array.from({ length: CONNECTIONS }, run));
  await during();
  isOn = false;
  await runs;
  return latencies;
}

async function keysStored(send: Send): Promise<number> {
  return Number(/^chorus_keys\{[^}]*\} (\d+)/m.exec(await send('GET', '/metrics'))?.[1]);
}

function print(when: string, latencies: Latencies): void {
  for (const [method, all] of Object.entries(latencies)) {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (share: number) =>
      (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(1).padStart(7);
    console.log(
      `  ${method} ${when.padEnd(22)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  worst ${at(1)} ms  (${all.length})`,
    );
  }
}
