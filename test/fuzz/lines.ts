// A line to a server for the fuzzer: sends requests in pieces cut at any byte, and reads the statuses of the answers.
import { connect, type Socket } from 'node:net';
import type { FuzzRequest } from './requests.ts';

/** What one request brought. `statuses` may be none: whoever is sent garbage may hang up. */
type Brought = { readonly statuses: readonly number[]; readonly isSilent: boolean };

const DEADLINE_MS = 30_000;
const HEAD_END = '\r\n\r\n';

/** One connection, made anew whenever it was closed or is out of step. Requests follow each other. */
export class FuzzLine {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** `cuts`: places before which the bytes are cut; each piece is written in a turn of its own. */
  async send({ bytes, isSound }: FuzzRequest, cuts: readonly number[]): Promise<Brought> {
    const socket = this.#socket?.destroyed === false ? this.#socket : await this.#open();
    const answers = new Answers(bytes.toString('latin1', 0, 5) === 'HEAD ');
    const brought = new Promise<Brought>((resolve) => {
      const settle = (isSilent: boolean) => {
        clearTimeout(timer);
        socket.removeAllListeners('data').removeAllListeners('close');
        resolve({ statuses: isSound ? answers.statuses : answers.seen(), isSilent });
      };
      const timer = setTimeout(() => settle(true), DEADLINE_MS);
      socket.on('data', (chunk: Buffer) => {
        answers.take(chunk);
        // What was changed may be any number of requests: all that come are read until the server has had enough.
        if ((isSound && answers.isWhole) || answers.isStream) settle(false);
      });
      socket.on('close', () => settle(false));
      if (socket.destroyed) settle(false);
    });
    await write(socket, bytes, cuts);
    if (!isSound) socket.end();
    const result = await brought;
    if (!isSound || result.isSilent || answers.isStream || answers.isClosing || socket.destroyed) this.close();
    return result;
  }

  close(): void {
    this.#socket?.resetAndDestroy();
    this.#socket = undefined;
  }

  #open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true, allowHalfOpen: false });
      this.#socket = socket;
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject).on('error', () => {});
        resolve(socket);
      });
    });
  }
}

async function write(socket: Socket, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (socket.destroyed) return;
    if (cut > from) socket.write(bytes.subarray(from, cut));
    from = Math.max(from, cut);
    if (cut < bytes.length) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Reads answers one behind the other. */
class Answers {
  readonly statuses: number[] = [];
  isClosing = false;
  isStream = false;
  #rest = '';
  #all = '';
  #isHead: boolean;

  constructor(isHead: boolean) {
    this.#isHead = isHead;
  }

  /** At least one answer, and nothing of a further one. */
  get isWhole(): boolean {
    return this.statuses.length > 0 && this.#rest === '';
  }

  /** Whatever looks like an answer: of how many requests it was, only the server knows. */
  seen(): readonly number[] {
    return [...this.#all.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  take(chunk: Buffer): void {
    const text = chunk.toString('latin1');
    this.#rest += text;
    this.#all += text;
    for (let end = this.#rest.indexOf(HEAD_END); end !== -1; end = this.#rest.indexOf(HEAD_END)) {
      const head = this.#rest.slice(0, end);
      const [line = ''] = head.split('\r\n', 1);
      const status = Number(line.split(' ')[1]);
      const bodyEnd = this.#bodyEnd(head, status, end + HEAD_END.length);
      if (bodyEnd === undefined || bodyEnd > this.#rest.length) return;
      if (status !== 100) this.statuses.push(status);
      this.isClosing ||= /^connection: close/im.test(head);
      this.#rest = this.#rest.slice(bodyEnd);
    }
  }

  #bodyEnd(head: string, status: number, from: number): number | undefined {
    if (this.#isHead || status < 200 || status === 204 || status === 304) return from;
    this.isStream ||= /^content-type: text\/event-stream/im.test(head);
    if (this.isStream) {
      this.statuses.push(status);
      return undefined;
    }
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    if (length !== undefined) return from + Number(length);
    if (!/^transfer-encoding: chunked/im.test(head)) return undefined;
    const last = this.#rest.indexOf('0\r\n\r\n', from);
    return last === -1 ? undefined : last + '0\r\n\r\n'.length;
  }
}
