// Lookups of broker names share the answer to one question.
import type { LookupAddress, LookupOptions } from 'node:dns';
import { expect, test } from 'vitest';
import { sharedLookup } from '../../../src/log/broker-lookup.ts';

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

function silentResolver() {
  const questions: { readonly host: string; readonly answer: Answer }[] = [];
  const lookup = sharedLookup((host, _: LookupOptions, answer) => questions.push({ host, answer }));
  return { questions, lookup };
}

test('a name that is not answered is asked for once, however often it is wanted, and holds up no other', () => {
  const { questions, lookup } = silentResolver();
  const heard: unknown[] = [];
  for (let i = 0; i < 100; i++) lookup('gone', { all: true }, (error) => heard.push(error?.message));
  lookup('there', { all: true }, (_, address) => heard.push(address));
  expect(questions.map((one) => one.host)).toEqual(['gone', 'there']);
  questions[1]?.answer(null, [{ address: '127.0.0.1', family: 4 }]);
  expect(heard).toEqual([[{ address: '127.0.0.1', family: 4 }]]);
  questions[0]?.answer(new Error('EAI_AGAIN'), []);
  expect(heard.slice(1)).toEqual(Array(100).fill('EAI_AGAIN'));
});

test('a name is asked for anew after its answer, and for each kind of answer', () => {
  const { questions, lookup } = silentResolver();
  lookup('a', {}, () => undefined);
  lookup('a', { all: true }, () => undefined);
  expect(questions.length).toBe(2);
  questions[0]?.answer(null, '127.0.0.1', 4);
  lookup('a', {}, () => undefined);
  expect(questions.length).toBe(3);
});
