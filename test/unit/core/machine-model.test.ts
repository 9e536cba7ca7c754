// The machine against the model: random commands of clients, repeats, renewals, time that jumps, and limits that are met.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Expire, KeyCommand, StateLimits } from '../../../src/core/commands/command.ts';
import type { RevisionSet } from '../../../src/core/condition.ts';
import type { OutcomeCode } from '../../../src/core/outcome.ts';
import { bytes, EPOCH, Feeder } from './feeder.ts';
import { Model, type ModelCommand, textOf } from './model.ts';

/** Small enough to be met by a few commands. */
const LIMITS: StateLimits = {
  maxValueBytes: 22,
  maxKeys: 3,
  maxMemoryBytes: 230,
  maxOutcomes: 4,
  outcomeWindowMs: 3000,
  featureLevel: 1,
  eviction: 'none',
};
const KEYS = ['a', 'b', '\u00e9', '\u0080'];
const INT64_MAX = 2n ** 63n - 1n;

/** A revision as the test's author knows it: that which the key has when the command is sent, or some other. */
type Wish = 'none' | 'any' | 'current' | 'other';
type Step =
  | {
      readonly kind: 'command';
      readonly draft: (revision: number) => KeyCommand | Expire;
      readonly id: string;
      readonly caller: string;
      readonly deadline: 'none' | 'far' | 'past';
    }
  | { readonly kind: 'repeat'; readonly back: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'copy' };

const key = fc.constantFrom(...KEYS);
const wish: fc.Arbitrary<Wish> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('none' as const) },
  fc.constantFrom('any' as const, 'current' as const, 'other' as const),
);
const ttlMs = fc.constantFrom(0, 0, 1, 800, 2000);
const value = fc.oneof(
  fc.constantFrom(`${INT64_MAX}`, `-${INT64_MAX + 1n}`),
  fc.constantFrom('', '5', '-7', '007', '+1', ' 1', '1.0', '-0', `${INT64_MAX}`, `-${INT64_MAX + 1n}`, '9'.repeat(19)),
  fc.string({ maxLength: 24 }),
);
const by = fc.constantFrom(0n, 1n, -1n, 5n, INT64_MAX, INT64_MAX - 4n, -INT64_MAX - 1n);

const drafts: fc.Arbitrary<Extract<Step, { kind: 'command' }>['draft']> = fc
  .record({
    type: fc.constantFrom('put', 'put', 'delete', 'touch', 'append', 'increment', 'increment', 'increment', 'expire'),
    key,
    match: wish,
    noneMatch: wish,
    ttlMs,
    value,
    by,
  })
  .map((fields) => (revision: number) => commandOf(fields, revision));

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('command'),
      draft: drafts,
      id: fc.constantFrom('', '', '', '', '', '', 'i', 'j', 'k', 'l', 'm', 'n', 'o'),
      caller: fc.constantFrom('', '', 'x'),
      deadline: fc.constantFrom('none', 'none', 'none', 'far', 'far', 'far', 'past'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('repeat'), back: fc.integer({ min: 1, max: 8 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.constantFrom(-5000, 1, 300, 1000, 3000, 9000) }),
  },
  fc.record({ kind: fc.constantFrom('garbage', 'copy') }),
);

test('outcomes, revisions and entries are those of the model', { timeout: 30_000 }, () => {
  const seen = new Set<OutcomeCode | 'repeat'>();
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 80, size: 'max' }), (list) => {
      const feeder = new Feeder().begin(LIMITS);
      const model = new Model(LIMITS, EPOCH, 2);
      const sent: ModelCommand[] = [];
      for (const step of list) {
        run(step, feeder, model, sent, seen);
        compare(feeder, model);
      }
      const follower = new Feeder();
      for (const { payload, timestamp } of feeder.fed) {
        follower.timestamp = timestamp;
        follower.feed(payload);
      }
      expect(follower.machine.state.digest()).toBe(feeder.machine.state.digest());
    }),
    { numRuns: 150 },
  );
  // Or else the test would be about less than it says.
  expect([...seen].sort()).toEqual(
    [
      'condition-failed created deadline deleted done id-reused memory-full not-an-integer not-found overflow',
      'repeat replaced stale touched value-too-large',
    ]
      .join(' ')
      .split(' '),
  );
});

function run(step: Step, feeder: Feeder, model: Model, sent: ModelCommand[], seen: Set<OutcomeCode | 'repeat'>): void {
  switch (step.kind) {
    case 'time':
      // A clock that was set back does not take log time along.
      model.now += Math.max(0, step.ms);
      feeder.timestamp += step.ms;
      feeder.feed(bytes('no frame at all'));
      return;
    case 'garbage':
      expect(feeder.feed(bytes('no frame at all'))).toBe('garbage');
      return;
    case 'copy':
      expect(feeder.feed(feeder.fed.findLast(({ payload }) => payload[0] === 0x43)?.payload ?? bytes(''))).toBe('copy');
      return;
    case 'repeat': {
      const earlier = sent.at(-step.back);
      if (earlier !== undefined) send(earlier, feeder, model, sent, seen);
      return;
    }
    case 'command': {
      const { id, caller, deadline } = step;
      const revision = model.entries.get(textOf(step.draft(0).key))?.revision ?? 1;
      const by = { none: 0, far: model.now + 500, past: model.now - 1 }[deadline];
      send(
        { id, caller: id === '' ? '' : caller, deadline: by, command: step.draft(revision) },
        feeder,
        model,
        sent,
        seen,
      );
    }
  }
}

function send(command: ModelCommand, feeder: Feeder, model: Model, sent: ModelCommand[], seen: Set<string>): void {
  const outcome = feeder.command(command.command, command);
  expect(outcome).toEqual(model.apply(command));
  seen.add(outcome.isRepeat ? 'repeat' : outcome.code);
  sent.push(command);
}

function compare({ machine: { state } }: Feeder, model: Model): void {
  expect([state.revision, state.time.now]).toEqual([model.revision, model.now]);
  expect([state.keyspace.keys, state.keyspace.bytes]).toEqual([model.entries.size, model.bytes]);
  for (const name of KEYS) {
    const entry = state.entry(bytes(name));
    const { contentType: type, revision, expiresAt } = entry ?? {};
    const seen = entry === undefined ? undefined : { value: textOf(entry.value), type, revision, expiresAt };
    expect(seen).toEqual(model.entry(name));
  }
}

type Fields = {
  readonly type: string;
  readonly key: string;
  readonly match: Wish;
  readonly noneMatch: Wish;
  readonly ttlMs: number;
  readonly value: string;
  readonly by: bigint;
};

function commandOf(fields: Fields, revision: number): KeyCommand | Expire {
  const { ttlMs, by } = fields;
  const [key, value] = [bytes(fields.key), bytes(fields.value)];
  const condition = { match: wished(fields.match, revision), noneMatch: wished(fields.noneMatch, revision) };
  const target = { key, condition };
  switch (fields.type) {
    case 'put':
      return { type: 'put', ...target, value, contentType: 'a/b', ttlMs };
    case 'append':
      return { type: 'append', ...target, value, contentType: 'c', ttlMs };
    case 'increment':
      return { type: 'increment', ...target, by, ttlMs };
    case 'touch':
      return { type: 'touch', ...target, ttlMs };
    case 'delete':
      return { type: 'delete', ...target };
    default:
      return { type: 'expire', key, revision: fields.match === 'other' ? revision + 1 : revision };
  }
}

function wished(wish: Wish, revision: number): RevisionSet {
  if (wish === 'none' || wish === 'any') return wish;
  return wish === 'current' ? [1_000_000, revision] : [revision + 1];
}
