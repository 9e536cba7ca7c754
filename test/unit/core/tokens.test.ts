// Tokens in the state machine: each name and each digest once, revoked for good, in the digest, bounded, and not brought by a restore.
import { expect, test } from 'vitest';
import { ACCESS_LIMITS } from '../../../src/base/limits.ts';
import type { CreateToken } from '../../../src/core/access/token-command.ts';
import { FedMachine } from './fed-machine.ts';

function create(name: string, digest: number): CreateToken {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, digest);
  return { type: 'create-token', name, digest: bytes, scopes: [{ kind: 'read', over: Buffer.from('users/') }] };
}

test('a name is taken once, a digest is taken once, and both are free again after the revocation', () => {
  const { machine, apply } = fed();
  expect(apply(create('web', 1))).toMatchObject({ code: 'created' });
  expect(apply(create('web', 2))).toMatchObject({ code: 'token-exists' });
  expect(apply(create('twin', 1))).toMatchObject({ code: 'token-exists' });
  expect([...machine.state.tokens.keys()]).toEqual(['web']);
  expect(apply({ type: 'revoke-token', name: 'web' })).toMatchObject({ code: 'deleted' });
  expect(apply({ type: 'revoke-token', name: 'web' })).toMatchObject({ code: 'not-found' });
  expect(machine.state.tokens.size).toBe(0);
  expect(apply(create('web', 1))).toMatchObject({ code: 'created' });
});

test('whoever holds the table sees it unchanged: a change is another table, and no change is the same', () => {
  const { machine, apply } = fed();
  const before = machine.state.tokens;
  apply(create('web', 1));
  const after = machine.state.tokens;
  expect([before.size, after.size, after === before]).toEqual([0, 1, false]);
  apply(create('web', 2));
  apply({ type: 'revoke-token', name: 'none' });
  expect(machine.state.tokens).toBe(after);
});

test('a repeat creates nothing a second time, though the token was revoked meanwhile', () => {
  const { machine, apply } = fed();
  apply(create('web', 1), 'id');
  apply({ type: 'revoke-token', name: 'web' });
  expect(apply(create('web', 1), 'id')).toMatchObject({ code: 'created', isRepeat: true });
  expect(machine.state.tokens.size).toBe(0);
});

test('the digest tells of tokens, of their scopes and of their digests; and without any it is what it was before there were tokens', () => {
  const [one, other, none] = [fed(), fed(), fed()];
  one.apply(create('web', 1));
  other.apply({ ...create('web', 1), scopes: [{ kind: 'write', over: Buffer.from('users/') }] });
  none.apply({ type: 'revoke-token', name: 'web' });
  const digests = [one, other, none].map(({ machine }) => machine.state.digest());
  expect(new Set(digests).size).toBe(3);
  one.apply({ type: 'revoke-token', name: 'web' });
  none.apply({ type: 'barrier' });
  expect(one.machine.state.digest()).toBe(none.machine.state.digest());
});

test('there are at most so many', () => {
  const { machine, apply } = fed();
  for (let n = 0; n < ACCESS_LIMITS.maxTokens; n++) apply(create(`t${n}`, n));
  expect(apply(create('one-more', 99_999))).toMatchObject({ code: 'memory-full' });
  expect(machine.state.tokens.size).toBe(ACCESS_LIMITS.maxTokens);
});

test('neither full memory nor a full keyspace keeps an administrator from revoking and creating', () => {
  const { apply } = fed({ maxKeys: 1, maxMemoryBytes: 1 });
  expect(apply(create('web', 1))).toMatchObject({ code: 'created' });
  expect(apply({ type: 'revoke-token', name: 'web' })).toMatchObject({ code: 'deleted' });
});

test('a cluster with a member that does not know tokens takes none', () => {
  const machine = new FedMachine({ featureLevel: 6 });
  expect(machine.apply(create('web', 1))).toMatchObject({ code: 'feature-not-enabled' });
});

function fed(limits: ConstructorParameters<typeof FedMachine>[0] = {}) {
  const fed = new FedMachine(limits);
  return { machine: fed.machine, apply: fed.apply.bind(fed) };
}
