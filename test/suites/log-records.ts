// Writing and reading test records of a log as short texts.
import type { CommitLog } from '../../src/log/commit-log.ts';
import { LogTail } from './log-tail.ts';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Appends `count` records in order, small ones 25 at a time; answers each one's text and offset. */
export async function writeMany(log: CommitLog, prefix: string, count: number, padding = 0) {
  const written: { readonly offset: number; readonly text: string }[] = [];
  const atATime = padding < 64 * KIB ? 25 : 1;
  while (written.length < count) {
    const texts = numbers(Math.min(atATime, count - written.length)).map((n) => `${prefix}-${written.length + n}`);
    const appended = await Promise.all(texts.map((content) => log.append(padded(content, padding))));
    for (const [n, { offset }] of appended.entries()) written.push({ offset, text: texts[n] ?? '' });
  }
  return written;
}

function padded(content: string, size: number): Uint8Array {
  const payload = new Uint8Array(Math.max(size, content.length));
  payload.set(bytes(content));
  return payload;
}

export async function texts(log: CommitLog, from: number, count: number): Promise<string[]> {
  const tail = new LogTail(log, from);
  await tail.received(count);
  await tail.stop();
  return tail.records.map((record) => text(record.payload));
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Bytes that no compression and no text decoding survives, the same for the same seed. */
export function noise(size: number, seed: number): Uint8Array {
  const out = new Uint8Array(size);
  let state = seed + 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}
