// A stand-in for MongoDB in tests, which Debian does not have: mongo-java-server on H2. No sessions, transactions or change streams.
import { join } from 'node:path';
import { type ServerControls, startAlone } from './child-server.ts';
import { standInArguments } from './mongodb-files.ts';
import { ask, freePort, temporaryDirectory } from './places.ts';

export type Mongodb = ServerControls & { readonly port: number; readonly url: string };

/** Every acknowledged write survives kill -9. */
export async function startMongodb(): Promise<Mongodb> {
  const port = await freePort();
  const directory = temporaryDirectory('mongodb');
  const controls = await startAlone({
    name: 'the MongoDB stand-in',
    command: 'java',
    args: standInArguments(port, join(directory, 'documents.h2')),
    directory,
    isReady: () => ask(port, hello(), (answer) => answer.length >= 16 && answer.readInt32LE(12) === OP_MSG),
    readyTimeoutMs: 60_000,
  });
  return { port, url: `mongodb://127.0.0.1:${port}`, ...controls };
}

const OP_MSG = 2013;

/** `{hello: 1, $db: "admin"}` as an OP_MSG. */
function hello(): Buffer {
  const fields = Buffer.from('\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0', 'latin1');
  const message = Buffer.alloc(16 + 4 + 1 + 4 + fields.length);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(1, 4); // request id
  message.writeInt32LE(OP_MSG, 12);
  message.writeInt32LE(4 + fields.length, 21); // the document's length; the flags and the section's kind before it are 0
  fields.copy(message, 25);
  return message;
}
