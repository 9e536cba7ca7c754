// HTTP by hand: sends exactly the given bytes on a connection of their own and reads one answer back.
import { connect } from 'node:net';

type RawAnswer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

export type RawRequest = {
  readonly bytes: Buffer;
  /** Ends the writing half after the bytes: for requests that stop too early. */
  readonly isEnded?: boolean;
};

const DEADLINE_MS = 20_000;

/** The first answer, or undefined when the connection was closed without one. Rejects when nothing comes within the deadline. */
export function rawExchange(url: string, { bytes, isEnded = false }: RawRequest): Promise<RawAnswer | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no answer to ${JSON.stringify(bytes.toString('latin1', 0, 300))}`))),
      DEADLINE_MS,
    );
    let received = Buffer.alloc(0);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = parsedAnswer(received);
      if (answer !== undefined) settle(() => resolve(answer));
    });
    // A connection that is reset while we still write may have brought its answer before.
    socket.on('error', () => settle(() => resolve(parsedAnswer(received))));
    socket.on('end', () => settle(() => resolve(parsedAnswer(received))));
    if (isEnded) socket.end(bytes);
    else socket.write(bytes);
  });
}

function parsedAnswer(received: Buffer): RawAnswer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = received.toString('latin1', 0, headEnd).split('\r\n');
  const headers = new Map(lines.map((line) => splitHeader(line)));
  const length = Number(headers.get('content-length') ?? 0);
  const bodyStart = headEnd + 4;
  if (received.length < bodyStart + length) return undefined;
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: received.toString('utf8', bodyStart, bodyStart + length),
  };
}

function splitHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
