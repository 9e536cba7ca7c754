// Random logs for property tests: records as several members would write them, with copies, garbage and a clock that jumps.
import fc from 'fast-check';
import { recordKey } from '../../../src/core/cache-records.ts';
import { decodeFrame, encodeCommand, encodeFrame, type FrameCommand } from '../../../src/core/codec.ts';
import { type CacheCommand, SETTLEMENTS } from '../../../src/core/commands/cache-command.ts';
import type { Command, Heartbeat, KeyCommand } from '../../../src/core/commands/command.ts';
import { ALWAYS } from '../../../src/core/condition.ts';
import type { Machine } from '../../../src/core/machine.ts';
import type { Outcome } from '../../../src/core/outcome.ts';

export type TestRecord = { readonly offset: number; readonly timestamp: number; readonly payload: Uint8Array };

type Step =
  | {
      readonly kind: 'frame';
      readonly author: number;
      readonly commands: readonly { readonly command: Command; readonly id: string }[];
      readonly after: number;
    }
  | { readonly kind: 'copy'; readonly of: number; readonly after: number }
  | { readonly kind: 'garbage'; readonly after: number };

/** Ids that a random log's commands have. */
export const IDS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
/** node-1 has two incarnations. */
const AUTHORS = ['node-1/x', 'node-1/y', 'node-2/x', 'node-3/x'] as const;

const HEARTBEAT: Heartbeat = {
  type: 'heartbeat',
  cluster: 'cluster',
  address: 'host:1',
  pid: 7,
  version: '1.2',
  featureLevel: 7,
  isReady: true,
  revision: 3,
  lagMs: 4,
  keys: 5,
  bytes: 6,
  report: undefined,
};

const key = fc.constantFrom('a', 'b', 'ab', 'abc', 'c', '\xfe', '\x00').map((name) => Buffer.from(name, 'latin1'));
const target = {
  key,
  condition: fc.oneof(fc.constant(ALWAYS), fc.constant({ match: 'any', noneMatch: 'none' } as const)),
};
const value = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.constantFrom('1', '9').map((text) => Buffer.from(text)),
);
const contentType = fc.constantFrom('', 'text/plain');
const ttlMs = fc.constantFrom(0, 0, 5, 1000, 100_000);
const keyCommand: fc.Arbitrary<KeyCommand> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('put' as const), ...target, value, contentType, ttlMs }) },
  fc.record({ type: fc.constant('delete' as const), ...target }),
  fc.record({ type: fc.constant('touch' as const), ...target, ttlMs }),
  fc.record({ type: fc.constant('increment' as const), ...target, by: fc.constantFrom(1n, -3n, 2n ** 62n), ttlMs }),
  fc.record({ type: fc.constant('append' as const), ...target, value, contentType, ttlMs }),
);
const ofCache = { cache: fc.constant('c'), policy: fc.constant(0) };
const ofKey = { ...ofCache, key };
const content = fc.record({
  value: fc.option(value, { nil: undefined }),
  contentType,
  ttlMs,
  tags: fc.constantFrom<readonly string[]>([], ['t']),
});
const revision = fc.integer({ min: 1, max: 60 });
const cacheCommand: fc.Arbitrary<CacheCommand> = fc.oneof(
  fc.record({
    type: fc.constant('cache-put' as const),
    ...ofKey,
    hold: fc.oneof(fc.constant(0), revision),
    maxUnsaved: fc.nat(2),
    content: fc.option(content, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('cache-fill' as const), ...ofKey, since: revision, content }),
  fc.record({ type: fc.constant('cache-hold' as const), ...ofKey, ttlMs }),
  fc.record({ type: fc.constant('cache-lease' as const), ...ofKey, since: revision, ttlMs }),
  fc.record({
    type: fc.constant('cache-invalidate' as const),
    ...ofCache,
    keys: fc.array(key, { maxLength: 2 }),
    tags: fc.constantFrom<readonly string[]>([], ['t']),
    isAll: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('cache-settle' as const),
    ...ofCache,
    how: fc.constantFrom(...SETTLEMENTS),
    error: fc.constant('why'),
    writes: fc.array(fc.record({ key, revision }), { maxLength: 4 }),
  }),
);
const tokenName = fc.constantFrom('one', 'two', 'three');
const report = fc.record({ offset: fc.nat(4), revision: fc.nat(4), digest: fc.constantFrom(1n, 2n ** 64n - 1n) });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: keyCommand },
  { weight: 4, arbitrary: cacheCommand },
  fc.record({
    type: fc.constant('transaction' as const),
    compares: fc.constant([]),
    thenDo: fc.array(keyCommand, { maxLength: 3 }),
    elseDo: fc.constant([]),
  }),
  fc.record({ type: fc.constant('delete-prefix' as const), prefix: key, limit: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    type: fc.constant('create-token' as const),
    name: tokenName,
    digest: fc.constantFrom(1, 2, 3).map((first) => new Uint8Array(32).fill(first)),
    scopes: fc.constantFrom([{ kind: 'read' as const, over: Buffer.from('a') }], []),
  }),
  fc.record({ type: fc.constant('revoke-token' as const), name: tokenName }),
  fc.record({ type: fc.constant('expire' as const), key, revision }),
  fc.record({ type: fc.constant('expire' as const), key: key.map((of) => recordKey('E', 'c', of)), revision }),
  fc.constant({ type: 'checkpoint' as const }),
  fc.option(report, { nil: undefined }).map((said) => ({ ...HEARTBEAT, report: said })),
);
const after = fc.oneof({ weight: 6, arbitrary: fc.nat(50) }, fc.constantFrom(-40, 600, 1100, 4_000_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('frame' as const),
      author: fc.nat(AUTHORS.length - 1),
      commands: fc.array(fc.record({ command, id: fc.constantFrom('', ...IDS) }), { minLength: 1, maxLength: 3 }),
      after,
    }),
  },
  fc.record({ kind: fc.constant('copy' as const), of: fc.nat(), after }),
  fc.record({ kind: fc.constant('garbage' as const), after }),
);

/** Begins with the frame that names the cluster `cluster`; its limits are small, so that they are met. */
export function randomLogs(maxRecords: number): fc.Arbitrary<readonly TestRecord[]> {
  return fc.array(step, { maxLength: maxRecords - 1, size: 'max' }).map(recordsOf);
}

function recordsOf(steps: readonly Step[]): TestRecord[] {
  const records: TestRecord[] = [{ offset: 0, timestamp: 1_000_000, payload: FIRST_FRAME }];
  const counts = new Map<string, number>([['node-1/x', 1]]);
  let timestamp = 1_000_000;
  for (const one of steps) {
    timestamp += one.after;
    records.push({ offset: records.length, timestamp, payload: payloadOf(one, records, counts) });
  }
  return records;
}

function payloadOf(one: Step, records: readonly TestRecord[], counts: Map<string, number>): Uint8Array {
  if (one.kind === 'garbage') return Uint8Array.of(1, 2, 3);
  if (one.kind === 'copy') return records[one.of % records.length]?.payload ?? FIRST_FRAME;
  const name = AUTHORS[one.author] ?? AUTHORS[0];
  const n = (counts.get(name) ?? 0) + 1;
  counts.set(name, n);
  // Whoever is new joins by a heartbeat.
  const joining = n === 1 ? [{ command: HEARTBEAT, id: '' }] : [];
  return frameOf(name, n, [...joining, ...one.commands]);
}

function frameOf(name: string, n: number, commands: readonly { command: Command; id: string }[]): Uint8Array {
  const [node = '', incarnation = ''] = name.split('/');
  const isClients = ({ type }: Command) =>
    !['heartbeat', 'checkpoint', 'expire', 'create-cluster'].includes(type) && !type.startsWith('cache-');
  const bytes = commands.map(({ command: one, id }) =>
    encodeCommand({ attempt: 1, id: isClients(one) ? id : '', caller: id === 'a' ? 'me' : '', deadline: 0 }, one),
  );
  return encodeFrame({ node, incarnation, n }, bytes);
}

const FIRST_FRAME = frameOf('node-1/x', 1, [
  {
    id: '',
    command: {
      type: 'create-cluster',
      cluster: 'cluster',
      limits: {
        maxValueBytes: 40,
        maxKeys: 12,
        maxMemoryBytes: 1200,
        maxOutcomes: 12,
        outcomeWindowMs: 1000,
        featureLevel: 7,
        eviction: 'none',
      },
    },
  },
]);

/** Applies one record; answers what its commands were told. */
export function applyRecord(machine: Machine, { offset, timestamp, payload }: TestRecord): Outcome[] {
  const decoded = decodeFrame(payload);
  if (decoded.kind === 'newer') throw new Error(decoded.reason);
  const heard: Outcome[] = [];
  machine.apply(offset, timestamp, decoded, (_: FrameCommand, outcome) => heard.push(outcome));
  return heard;
}
