// Bytes that came at once as one whole request upon a key, and nothing more: told without Node's parser, of plain requests only.
import { KEYS_PATH } from './targets.ts';

export type WholeRequest = {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** As the header says it. */
  readonly contentLength: string | undefined;
};

const START = new RegExp(`^(GET|PUT|DELETE) ${KEYS_PATH}[!"$-~]+ HTTP/1\\.1\\r\\n`);
// No two parts of it that take the same: many blanks would take a time that grows with their square.
const HEADER = /([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e]*)\r\n/y;
const END = Buffer.from('\r\n\r\n');

/** Headers by which a request may be longer, be answered otherwise or end its connection. */
const SPECIAL: ReadonlySet<string> = new Set([
  'expect',
  'idempotency-key',
  'origin',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Undefined of all that is not plainly one such request, however valid it is. */
export function wholeRequestIn(bytes: Buffer): WholeRequest | undefined {
  const headLength = bytes.indexOf(END);
  if (headLength < 0) return undefined;
  const head = bytes.toString('latin1', 0, headLength + 2);
  const start = START.exec(head);
  if (start === null) return undefined;
  let contentLength: string | undefined;
  HEADER.lastIndex = start[0].length;
  while (HEADER.lastIndex < head.length) {
    const header = HEADER.exec(head);
    if (header === null) return undefined;
    const name = (header[1] ?? '').toLowerCase();
    const value = (header[2] ?? '').trimStart();
    if (name === 'content-length') {
      if (contentLength !== undefined || !/^\d{1,9}$/.test(value)) return undefined;
      contentLength = value;
    } else if (SPECIAL.has(name) || (name === 'connection' && value.toLowerCase() !== 'keep-alive')) return undefined;
  }
  const isWhole = bytes.length === headLength + END.length + Number(contentLength ?? 0);
  return isWhole ? { method: start[1] as WholeRequest['method'], contentLength } : undefined;
}
