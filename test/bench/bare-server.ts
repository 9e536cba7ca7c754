// The measure of all things here: bare node:http and a Map, nothing durable, nothing checked.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const values = new Map<string, Buffer>();

const server = createServer((request, response) => {
  const key = request.url ?? '';
  if (request.method === 'PUT') {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = values.has(key) ? 200 : 201;
      values.set(key, Buffer.concat(chunks));
      response.writeHead(status, { 'Content-Length': 0 });
      response.end();
    });
    return;
  }
  const value = values.get(key);
  if (value === undefined) {
    response.writeHead(404, { 'Content-Length': 0 });
    response.end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': value.length });
  response.end(value);
});

server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
