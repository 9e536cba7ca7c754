// How a broker's answers are put together from the bytes of its socket, and how their memory is used again.
import { describe, expect, test } from 'vitest';
import { KAFKA_LIMITS } from '../../../src/base/limits.ts';
import { AnswerReader, LASTING_MEMORY, ReusedMemory } from '../../../src/log/kafka-answers.ts';

const { mixedAnswersBytes, maxAnswerBytes } = KAFKA_LIMITS;

describe('the reader of answers', () => {
  test.each([1, 2, 3, 5, 7, 11, 4096, mixedAnswersBytes, 10 * mixedAnswersBytes])(
    'gives back every answer, however large, from pieces of %i bytes',
    (piece) => {
      const payloads = [0, 1, 3, 100, mixedAnswersBytes, 0, 3 * mixedAnswersBytes + 5, 17].map((size, n) =>
        Buffer.alloc(size, n + 1),
      );
      const stream = Buffer.concat(payloads.map((payload, n) => answer(n, payload)));
      const read = readAll(stream, piece);
      expect(read.map(({ correlationId }) => correlationId)).toEqual([...payloads.keys()]);
      for (const [n, payload] of payloads.entries()) expect(read[n]?.payload.equals(payload)).toBe(true);
    },
  );

  test('never asks for bytes of the next answer together with the rest of a large one', () => {
    const reader = new AnswerReader(LASTING_MEMORY, () => {});
    const large = answer(1, Buffer.alloc(2 * mixedAnswersBytes));
    reader.took(large.copy(reader.room(), 0, 0, 100));
    expect(reader.room().length).toBe(large.length - 100);
  });

  test.each([-1, 0, 3, maxAnswerBytes + 1])('takes a length of %i for what it is', (length) => {
    const reader = new AnswerReader(LASTING_MEMORY, () => {});
    reader.room().writeInt32BE(length);
    expect(() => reader.took(4)).toThrow(RangeError);
  });
});

describe('memory that is used again', () => {
  test('is lent to nobody else before it was given back', () => {
    const memory = new ReusedMemory();
    const first = memory.take(100);
    const second = memory.take(100);
    expect(second.buffer).not.toBe(first.buffer);
    memory.give(first.subarray(10, 20));
    const third = memory.take(60);
    expect([third.buffer === first.buffer, third.length]).toEqual([true, 60]);
    expect(memory.take(60).buffer).not.toBe(first.buffer);
  });

  test('is given back once only, and nothing is taken in that it did not lend', () => {
    const memory = new ReusedMemory();
    const [lent, other] = [memory.take(100), Buffer.alloc(100)];
    for (const bytes of [lent, lent, other]) memory.give(bytes);
    const taken = [memory.take(100), memory.take(100)];
    expect(taken.map(({ buffer }) => buffer === lent.buffer)).toEqual([true, false]);
    expect(taken[1]?.buffer).not.toBe(other.buffer);
  });

  test('serves no answer that is larger', () => {
    const memory = new ReusedMemory();
    memory.give(memory.take(100));
    expect(memory.take(101).length).toBe(101);
  });
});

function readAll(stream: Buffer, piece: number): { readonly correlationId: number; readonly payload: Buffer }[] {
  const read: { correlationId: number; payload: Buffer }[] = [];
  const reader = new AnswerReader(LASTING_MEMORY, (one) => read.push(one));
  for (let at = 0; at < stream.length; ) {
    const length = stream.copy(reader.room().subarray(0, piece), 0, at);
    reader.took(length);
    at += length;
  }
  return read;
}

function answer(correlationId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + payload.length, 0);
  head.writeInt32BE(correlationId, 4);
  return Buffer.concat([head, payload]);
}
