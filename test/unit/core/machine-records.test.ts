// The machine and its records: garbage, copies, strangers and retries change nothing; equal records make equal digests.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVICTIONS } from '../../../src/base/evictions.ts';
import { MEMBER_LIMITS } from '../../../src/base/limits.ts';
import { decodeFrame } from '../../../src/core/codec.ts';
import { ALWAYS } from '../../../src/core/condition.ts';
import { commands, heads } from './arbitraries.ts';
import { bytes, EPOCH, Feeder, frameOf, heartbeat, LIMITS, type Payload, type Sent } from './feeder.ts';
import { sealed } from './raw-frames.ts';

const KEY = bytes('counter');

describe('a record that is no new frame', () => {
  test.each(['garbage', 'copy', 'stranger'] as const)('%s: moves the offset and log time, and nothing else', (kind) => {
    const feeder = new Feeder().begin();
    const payloads = {
      garbage: bytes('poison'),
      copy: feeder.fed[1]?.payload ?? bytes(''),
      stranger: frameOf('stranger/1', 5, [add(0)]),
    };
    const { state } = feeder.machine;
    const untouched = () => [state.revision, state.keyspace.keys, state.recent.size, state.members.current];
    const before = untouched();
    const offset = feeder.machine.nextOffset;
    const digest = state.digest();
    expect(feeder.feed(payloads[kind])).toBe(kind);
    expect(feeder.outcomes).toEqual([]);
    expect(state.digest()).toBe(digest);
    feeder.timestamp += 700;
    expect(feeder.feed(payloads[kind])).toBe(kind);
    expect(feeder.machine.nextOffset).toBe(offset + 2);
    expect(state.time.now).toBe(EPOCH + 700);
    expect(untouched()).toEqual(before);
  });

  test('each is counted', () => {
    const feeder = new Feeder().begin();
    for (let n = 0; n < 3; n++) feeder.feed(bytes('poison'));
    for (let n = 0; n < 2; n++) feeder.feed(feeder.fed[0]?.payload ?? bytes(''));
    feeder.feed(frameOf('stranger/1', 5, [add(0)]));
    expect(feeder.machine.counters).toEqual({ framesApplied: 2, copies: 2, strangers: 1, garbage: 3, repeats: 0 });
  });

  test('a gap in the offsets, or an offset again, is a broken invariant and applies nothing', () => {
    const feeder = new Feeder().begin();
    const decoded = { kind: 'garbage', reason: '' } as const;
    for (const offset of [0, 1, 3]) {
      expect(() => feeder.machine.apply(offset, EPOCH, decoded)).toThrow(/L1/);
      expect(feeder.machine.nextOffset).toBe(2);
    }
  });
});

test('copies of frames and retries of commands, in any order, on any node, change nothing', () => {
  const all = [0, 1, 2, 3, 4];
  const late = fc.array(fc.record({ at: fc.nat(4), how: fc.constantFrom('copy', 'same node', 'other node') }));
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), late, (order, repeats) => {
      const feeder = new Feeder().begin();
      feeder.feed(frameOf('node-2/1', 1, [{ command: heartbeat() }]));
      const frames = new Map<number, Uint8Array | undefined>();
      const firsts = new Map<number, unknown>();
      for (const at of order) {
        feeder.frame([add(at)]);
        frames.set(at, feeder.fed.at(-1)?.payload);
        firsts.set(at, { ...feeder.outcomes[0], isRepeat: true });
      }
      let n = 1;
      for (const { at, how } of repeats) {
        const copy = frames.get(at) ?? bytes('');
        if (how === 'copy') expect(feeder.feed(copy)).toBe('copy');
        else {
          if (how === 'same node') feeder.frame([add(at)]);
          else feeder.feed(frameOf('node-2/1', ++n, [add(at)]));
          expect(feeder.outcomes).toEqual([firsts.get(at)]);
        }
      }
      // Each adds another power of two.
      expect(Buffer.from(feeder.machine.state.entry(KEY)?.value ?? []).toString()).toBe('31');
    }),
  );
});

describe('notes', () => {
  test('are taken at the end of a frame with a heartbeat of the duty node or a checkpoint, and at no other', () => {
    const feeder = new Feeder().begin();
    expect(feeder.machine.notes.map(({ offset }) => offset)).toEqual([1]);
    feeder.feed(frameOf('node-0/1', 1, [{ command: heartbeat({ isReady: false }) }])); // 2: not on duty
    feeder.frame([add(0)]); // 3
    feeder.frame([{ command: heartbeat() }, add(1)]); // 4
    feeder.feed(frameOf('node-0/1', 2, [{ command: { type: 'checkpoint' } }, add(2)])); // 5
    feeder.feed(frameOf('node-0/1', 3, [{ command: heartbeat() }])); // 6: it takes the duty
    feeder.frame([{ command: heartbeat() }]); // 7: has lost it
    feeder.feed(bytes('poison')); // 8
    expect(feeder.machine.notes.map(({ offset }) => offset)).toEqual([1, 4, 5, 6]);
    // Revision 7 is the increment behind the heartbeat: the end of the frame, not the heartbeat's place in it.
    expect(feeder.machine.notes.map(({ revision }) => revision)).toEqual([2, 6, 8, 9]);
  });

  test('only the latest are kept', () => {
    const feeder = new Feeder().begin();
    const { notesKept } = MEMBER_LIMITS;
    for (let n = 0; n < notesKept + 9; n++) feeder.frame([{ command: heartbeat() }]);
    expect(feeder.machine.notes.length).toBe(notesKept);
    expect(feeder.machine.notes.at(-1)?.offset).toBe(notesKept + 10);
  });
});

describe('any records at all', () => {
  test('two machines fed the same ones have equal digests at each note, and never throw', () => {
    fc.assert(
      fc.property(records(), (list) => {
        const one = new Feeder().begin();
        for (const record of list) feedUnlessNewer(one, record);
        const other = new Feeder();
        for (const record of one.fed) feedUnlessNewer(other, record);
        expect(other.machine.notes.length).toBeGreaterThan(0);
        expect(other.machine.notes).toEqual(one.machine.notes);
        expect(other.machine.state.digest()).toBe(one.machine.state.digest());
      }),
      { numRuns: 100 },
    );
  });

  test('two thousand payloads without and with a cluster, most of them behind a right checksum: apply is total', () => {
    const counts = { applied: 0, garbage: 0, copy: 0, stranger: 0 };
    let feeders: readonly Feeder[] = [];
    for (const [at, payload] of fc.sample(payloads(), 2000).entries()) {
      // Anew now and then: once high frame numbers were seen, all others are copies.
      if (at % 40 === 0) feeders = [new Feeder(), new Feeder().begin()];
      for (const feeder of feeders) {
        const disposition = feedUnlessNewer(feeder, { payload, timestamp: EPOCH + at });
        if (disposition !== undefined) counts[disposition]++;
      }
    }
    // Or else it would have been about less than it says.
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(20);
  });

  test('a cluster whose limits are arbitrary refuses rather than throws', () => {
    const limit = fc.oneof(fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
    const limits = fc.record({
      maxValueBytes: limit,
      maxKeys: limit,
      maxMemoryBytes: limit,
      maxOutcomes: limit,
      outcomeWindowMs: limit,
      featureLevel: limit,
      eviction: fc.constantFrom(...EVICTIONS),
    });
    fc.assert(
      fc.property(limits, fc.array(fc.tuple(heads, commands), { maxLength: 20 }), (drawn, sent) => {
        const feeder = new Feeder().begin(drawn);
        // The first heartbeat may have raised the feature level already.
        expect(feeder.machine.state.limits).toEqual({ ...drawn, featureLevel: expect.any(Number) });
        for (const [head, command] of sent) {
          feeder.frame([{ ...head, command }]);
          feeder.timestamp += 100;
          expect(feeder.outcomes.length).toBe(1);
        }
      }),
      { numRuns: 100 },
    );
  });
});

test('the digest of the state tells its name, limits, revision and both clocks', () => {
  const digest = (feeder: Feeder) => feeder.machine.state.digest();
  const base = digest(new Feeder().begin());
  expect(digest(new Feeder().begin())).toBe(base);
  expect(digest(new Feeder().begin({ ...LIMITS, featureLevel: 2 }))).not.toBe(base);
  const later = new Feeder().begin();
  later.timestamp += 1;
  later.feed(bytes(''));
  expect(digest(later)).not.toBe(base);
  // Log time stands where it stood; but the next step will be counted from an earlier raw time.
  const back = new Feeder().begin();
  back.timestamp -= 1;
  back.feed(bytes(''));
  expect(back.machine.state.time.now).toBe(EPOCH);
  expect(digest(back)).not.toBe(base);
});

function add(at: number): Sent {
  const command = { type: 'increment', key: KEY, by: 1n << BigInt(at), ttlMs: 0, condition: ALWAYS } as const;
  return { id: `id-${at}`, command };
}

function records(): fc.Arbitrary<readonly Payload[]> {
  return fc.array(fc.record({ payload: payloads(), timestamp: fc.integer({ min: EPOCH - 5000, max: EPOCH + 5000 }) }));
}

/** Frames of a few authors, some of them broken inside; heartbeats and checkpoints among them; and bytes without sense. */
function payloads(): fc.Arbitrary<Uint8Array> {
  const author = fc.constantFrom('node-1/1', 'node-2/1', 'node-2/2', 'stranger/1');
  const joining = fc.option(
    fc.boolean().map((isReady): Sent => ({ command: heartbeat({ isReady }) })),
    { nil: undefined },
  );
  const sent = fc.tuple(heads, commands).map(([head, command]): Sent => ({ ...head, command }));
  const frames = fc
    .tuple(author, fc.integer({ min: 1, max: 40 }), joining, fc.array(sent, { minLength: 1, maxLength: 4 }))
    .map(([name, n, first, rest]) => frameOf(name, n, first === undefined ? rest : [first, ...rest]));
  const broken = fc.tuple(frames, fc.nat(), fc.nat(255)).map(([frame, at, byte]) => {
    const body = frame.slice(7);
    body[at % body.length] = byte;
    return sealed(body);
  });
  const senseless = fc.uint8Array({ maxLength: 60 });
  return fc.oneof(
    { weight: 4, arbitrary: frames },
    { weight: 2, arbitrary: broken },
    senseless,
    senseless.map((body) => sealed(body)),
  );
}

function feedUnlessNewer(feeder: Feeder, { payload, timestamp }: Payload) {
  if (decodeFrame(payload).kind === 'newer') return undefined;
  feeder.timestamp = timestamp;
  return feeder.feed(payload);
}
