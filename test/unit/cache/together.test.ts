// Calls made together: who asks in one turn shares one command, within bounds, and each gets its own answer.
import { expect, test } from 'vitest';
import { CacheError } from '../../../src/cache/errors.ts';
import { together } from '../../../src/cache/together.ts';

function scene(options: { readonly maxRequests: number; readonly maxBytes?: number }) {
  const sent: (readonly string[])[] = [];
  const send = async (requests: readonly string[]) => {
    sent.push(requests);
    if (requests.includes('lost')) throw new CacheError('unknown', 'store', 'the connection was lost');
    return requests.map((one) => (one === 'bad' ? new CacheError('refused', 'store', 'too large') : `${one}!`));
  };
  return { sent, ask: together(send, { sizeOf: ({ length }) => length, ...options }) };
}

test('what is asked in one turn goes out together, and everyone gets the answer to his own', async () => {
  const { sent, ask } = scene({ maxRequests: 10 });
  expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['a!', 'b!', 'c!']);
  expect(await ask('d')).toBe('d!');
  expect(sent).toEqual([['a', 'b', 'c'], ['d']]);
});

test('no command has more requests or bytes than it may, save one request that is larger by itself', async () => {
  const { sent, ask } = scene({ maxRequests: 3, maxBytes: 10 });
  await Promise.all(['a', 'b', 'c', 'd', 'eeeeeeee', 'ffffffffffffffff', 'g'].map(ask));
  expect(sent).toEqual([['a', 'b', 'c'], ['d', 'eeeeeeee'], ['ffffffffffffffff'], ['g']]);
});

test('an error is that of one request, or of all that went out with it', async () => {
  const { ask } = scene({ maxRequests: 3 });
  const outcomes = await Promise.allSettled(['a', 'bad', 'c', 'lost', 'e'].map(ask));
  const codes = outcomes.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code));
  expect(codes).toEqual(['a!', 'refused', 'c!', 'unknown', 'unknown']);
});
