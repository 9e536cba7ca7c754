// The watchers of the bench, a process of its own: raw sockets that count events while others write; prints deliveries per second as JSON.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Api, requestFor, watchRequest } from './requests.ts';

export type WatchTask = {
  readonly port: number;
  readonly api: Api;
  readonly watchers: number;
  readonly writes: number;
};
export type WatchFigures = { readonly deliveriesPerSecond: number };

const WRITERS = 8;
const PATIENCE_MS = 120_000;
/** Stands once in each event that a server sends. */
const MARKS: Readonly<Record<Api, Buffer>> = { plain: Buffer.from('event: put'), etcd: Buffer.from('"mod_revision"') };
const HEAD_END = Buffer.from('\r\n\r\n');

const task = JSON.parse(process.argv[2] ?? '') as WatchTask;
let delivered = 0;

const watchers = await Promise.all(Array.from({ length: task.watchers }, () => watch()));
const began = performance.now();
const writes = Array.from({ length: task.writes }, (_, n) => requestFor(task.api, 'PUT', n, Buffer.alloc(100, 'v')));
await Promise.all(Array.from({ length: WRITERS }, () => write()));
const wanted = task.watchers * task.writes;
while (delivered < wanted) {
  if (performance.now() - began > PATIENCE_MS) throw new Error(`${delivered} of ${wanted} events came`);
  await delay(1);
}
const figures: WatchFigures = { deliveriesPerSecond: (wanted / (performance.now() - began)) * 1000 };
for (const socket of watchers) socket.destroy();
console.log(JSON.stringify(figures));

/** Resolves when the server has taken the watch. */
async function watch(): Promise<Socket> {
  const socket = connect({ port: task.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.write(watchRequest(task.api));
  const mark = MARKS[task.api];
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let end = 0;
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, end)) {
      delivered++;
      end = at + mark.length;
    }
    // A mark may be cut in two.
    rest = bytes.subarray(Math.max(end, bytes.length - mark.length + 1));
  });
  await once(socket, 'data');
  return socket;
}

async function write(): Promise<void> {
  const socket = connect({ port: task.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  for (let request = writes.pop(); request !== undefined; request = writes.pop()) {
    socket.write(request);
    let answer = Buffer.alloc(0);
    while (!answer.includes(HEAD_END)) answer = Buffer.concat([answer, ...((await once(socket, 'data')) as [Buffer])]);
    if (answer[9] !== 0x32) throw new Error(`a write was refused: ${answer.toString('latin1')}`);
  }
  socket.destroy();
}
