// Tests of the fuzzer itself: its line reads what servers answer, however wrong, and its generators reach all that they should.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { decodeFrame } from '../../src/core/codec.ts';
import { seeded } from '../random.ts';
import { request } from '../suites/bad-requests.ts';
import { FuzzLine } from './lines.ts';
import { poison } from './records.ts';
import { fuzzRequest } from './requests.ts';

const GET = { bytes: request({ method: 'GET' }), isSound: true };
let server: Server | undefined;
let line: FuzzLine | undefined;
afterEach(() => {
  line?.close();
  server?.close();
});

/** A line to a server that does this to the bytes it gets. */
async function lineTo(onData: (near: Socket, bytes: Buffer) => void): Promise<FuzzLine> {
  server = createServer((near) => near.on('error', () => {}).on('data', (bytes: Buffer) => onData(near, bytes)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  line = new FuzzLine((server.address() as AddressInfo).port);
  return line;
}

test('an answer that comes in pieces is read whole, and the next request goes over the same connection', async () => {
  const pieces = await lineTo((near, bytes) => {
    if (!bytes.toString().endsWith('\r\n\r\n')) return;
    for (const piece of ['HTTP/1.1 500 X\r\nContent-', 'Length: 4\r\n\r', '\nbo', 'dy']) near.write(piece);
  });
  for (let n = 0; n < 2; n++) expect(await pieces.send(GET, [])).toEqual({ statuses: [500], isSilent: false });
});

test('a chunked answer and one without a body are read', async () => {
  const answers = [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    'HTTP/1.1 204 X\r\n\r\n',
  ];
  const chunked = await lineTo((near) => near.write(answers.shift() ?? ''));
  expect(await chunked.send(GET, [])).toEqual({ statuses: [200], isSilent: false });
  expect(await chunked.send(GET, [])).toEqual({ statuses: [204], isSilent: false });
});

test('a server that hangs up brings no status, and the line goes on over another connection', async () => {
  let count = 0;
  const hanging = await lineTo((near) => {
    count += 1;
    if (count === 1) near.destroy();
    else near.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  expect(await hanging.send(GET, [])).toEqual({ statuses: [], isSilent: false });
  expect(await hanging.send(GET, [])).toEqual({ statuses: [200], isSilent: false });
});

test('all answers to changed bytes are read until the server has had enough', async () => {
  const two = await lineTo((near) =>
    near.end(`${'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'}HTTP/1.1 501 X\r\n\r\n`),
  );
  expect(await two.send({ ...GET, isSound: false }, [])).toEqual({ statuses: [200, 501], isSilent: false });
});

test('a request arrives as it was, wherever it was cut', async () => {
  let got = '';
  const cut = await lineTo((near, bytes) => {
    got += bytes.toString('latin1');
    if (got.endsWith('\r\n\r\n')) near.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const everywhere = Array.from({ length: GET.bytes.length - 1 }, (_, at) => at + 1);
  await cut.send(GET, everywhere);
  expect(got).toBe(GET.bytes.toString('latin1'));
});

test('requests of one seed are the same, sound ones and changed ones', () => {
  const drawn = () => {
    const random = seeded(1);
    return Array.from({ length: 500 }, () => fuzzRequest(random));
  };
  expect(drawn()).toEqual(drawn());
  expect(new Set(drawn().map(({ isSound }) => isSound))).toEqual(new Set([true, false]));
});

test('poison is noise, right checksums over nonsense, and strangers; never what a later program would write', () => {
  const random = seeded(1);
  const kinds = new Set(Array.from({ length: 3000 }, () => decodeFrame(poison(random)).kind));
  expect(kinds).toEqual(new Set(['damaged', 'garbage', 'frame']));
});
