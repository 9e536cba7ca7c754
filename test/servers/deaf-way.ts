// A way to a server that brings nothing back once a text has gone through it: for answers that are lost.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

type DeafWay = { readonly port: number; close(): void };

/** From its own port to `port`, both of 127.0.0.1. `text` must come in one piece. */
export async function startDeafWay(port: number, text: string): Promise<DeafWay> {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let isDeaf = false;
    near.on('data', (chunk) => {
      isDeaf ||= chunk.includes(text);
      far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (!isDeaf) near.write(chunk);
    });
    near.on('error', () => {}).on('close', () => far.destroy());
    far.on('error', () => {}).on('close', () => near.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
