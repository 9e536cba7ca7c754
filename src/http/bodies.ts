// Reading request bodies: raw bytes, bounded one by one and all together, whole or not at all.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from './problems.ts';

const NO_BYTES = Buffer.alloc(0);

/** Bytes of all bodies that are being received or not yet given to the node. */
export class BodyBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False, and nothing taken, when it would be too much. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** Throws unless the request has no body, or an empty one: a body that would be ignored is a mistake of the sender. */
export function refuseBody(request: IncomingMessage): void {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  if (coding === undefined && (length === undefined || Number(length) === 0)) return;
  throw new Problem('unexpected-body', { detail: 'This request takes no body; its arguments are in the query.' });
}

/**
 * The whole body, at most `maxBytes`. Throws a Problem: 411 without Content-Length or Transfer-Encoding, 413, 415, 429
 * when the budget is used up, 400 when it ends too early. A client that asks is told to go on only after the head was found good.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
  budget: BodyBudget,
): Promise<Buffer> {
  const announced = announcedBytes(request, maxBytes);
  if (request.headers.expect !== undefined) response.writeContinue();
  if (announced === 0) return NO_BYTES;
  const reservation = { bytes: 0 };
  try {
    reserve(budget, reservation, announced ?? 0);
    return await received(request, maxBytes, announced, (bytes) => reserve(budget, reservation, bytes));
  } finally {
    budget.give(reservation.bytes);
  }
}

/** Checks the head; undefined: the body is chunked. */
function announcedBytes(request: IncomingMessage, maxBytes: number): number | undefined {
  const { 'content-length': length, 'transfer-encoding': coding, 'content-encoding': encoding } = request.headers;
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported-encoding', {
      field: 'Content-Encoding',
      detail: 'Values are stored as they are sent; Content-Encoding must be identity.',
    });
  }
  if (coding !== undefined) {
    if (coding.toLowerCase() === 'chunked') return undefined;
    throw new Problem('unsupported-transfer-encoding', {
      field: 'Transfer-Encoding',
      detail: 'The only transfer encoding is chunked.',
    });
  }
  if (length === undefined) {
    throw new Problem('length-required', {
      field: 'Content-Length',
      detail: 'Send the value as the body; for an empty value say Content-Length: 0.',
    });
  }
  const bytes = Number(length);
  if (bytes > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

function reserve(budget: BodyBudget, reservation: { bytes: number }, bytes: number): void {
  if (!budget.take(bytes))
    throw new Problem('overloaded', { detail: 'Too many bytes of request bodies are under way.' });
  reservation.bytes += bytes;
}

function received(
  request: IncomingMessage,
  maxBytes: number,
  announced: number | undefined,
  reserveBytes: (bytes: number) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (error: unknown) => {
      request.removeAllListeners('data');
      // What still comes is read and dropped, so that the client can read the answer before the connection ends.
      request.resume();
      reject(error);
    };
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) return fail(tooLarge(maxBytes));
      chunks.push(chunk);
      if (announced !== undefined) return;
      try {
        reserveBytes(chunk.length);
      } catch (error) {
        fail(error);
      }
    });
    request.once('end', () => {
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length));
    });
    // When the client left in mid-body both come without 'end'; then nothing of it is used.
    request.once('error', () => fail(new Problem('body-truncated')));
    request.once('close', () => {
      if (!request.readableEnded) fail(new Problem('body-truncated'));
    });
  });
}

function tooLarge(maxBytes: number): Problem {
  return new Problem('value-too-large', { field: 'body', detail: `A value has at most ${maxBytes} bytes.` });
}
