// The codec: round trip of everything a node writes, and the right word for everything that no node has written.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FRAME_LIMITS, REQUEST_LIMITS } from '../../../src/base/limits.ts';
import { decodeFrame, encodeCommand, encodeFrame, FRAME_VERSION, type Frame } from '../../../src/core/codec.ts';
import type { Command } from '../../../src/core/commands/command.ts';
import { specByNumber, specOf } from '../../../src/core/commands/table.ts';
import { COMMAND_TYPES, commands, commandsOfType, heads, latin1, naturals } from './arbitraries.ts';
import { bodyOf, deletion, rawCommand, sealed, touch } from './raw-frames.ts';

const HEAD = { attempt: 3, deadline: 1_700_000_000_000, id: 'an-id', caller: 'someone' };
const NO_ID = { attempt: 0, deadline: 0, id: '', caller: '' };
const PUT: Command = {
  type: 'put',
  key: bytes('key'),
  value: bytes('value'),
  contentType: 'text/plain',
  ttlMs: 60_000,
  condition: { match: [7, 300], noneMatch: 'any' },
};

/** The one frame of PUT under HEAD, part by part. */
const WRITTEN: readonly string[] = [
  '4348', // C H
  'f8ad5ac2', // checksum
  '01', // frame version
  '066e6f64652d31', // node-1
  '0169', // i
  'ac02', // n: 300
  '0001', // count
  '0101', // put, version 1
  '03', // attempt
  '80d095ffbc31', // deadline
  '05616e2d6964', // id
  '07736f6d656f6e65', // caller
  '990a958ed6fd66d1', // hash
  '00000021', // length of what follows
  '00036b6579', // key
  '0207ac02', // match: 7, 300
  'ff', // noneMatch: any
  'e0d403', // ttl
  '0a746578742f706c61696e', // text/plain
  '0000000576616c7565', // value
];

describe('round trip', () => {
  test.each(COMMAND_TYPES)('a frame of %s commands comes back as it was', (type) => {
    const frames = fc.record({
      node: latin1(1, 255),
      incarnation: latin1(1, 255),
      n: naturals.filter((n) => n > 0),
      contents: fc.array(fc.tuple(heads, commandsOfType(type)), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(frames, ({ contents, ...head }) => {
        const payload = encodeFrame(
          head,
          contents.map(([commandHead, command]) => encodeCommand(commandHead, command)),
        );
        const { commands: decoded, ...decodedHead } = frameIn(payload);
        expect(decodedHead).toEqual(head);
        expect(decoded.map(({ hash: _, ...rest }) => rest)).toEqual(
          contents.map(([commandHead, command]) => ({ ...commandHead, command })),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('a frame of as many commands as there may be, and a value of the greatest size', () => {
    const barrier = encodeCommand(NO_ID, { type: 'barrier' });
    const many = encodeFrame(author(), new Array<Uint8Array>(FRAME_LIMITS.maxFrameCommands).fill(barrier));
    expect(frameIn(many).commands.length).toBe(FRAME_LIMITS.maxFrameCommands);
    const value = new Uint8Array(FRAME_LIMITS.maxFrameBytes - FRAME_LIMITS.headBytes).fill(0xa5);
    const command = onlyCommand(encodeFrame(author(), [encodeCommand(HEAD, { ...PUT, value })]));
    expect(Buffer.compare(value, 'value' in command ? command.value : new Uint8Array())).toBe(0);
  });

  test('the bytes of a frame are these, and stay these: logs that were written must be read for ever', () => {
    const payload = encodeFrame({ node: 'node-1', incarnation: 'i', n: 300 }, [encodeCommand(HEAD, PUT)]);
    expect(Buffer.from(payload).toString('hex')).toBe(WRITTEN.join(''));
    expect(onlyCommand(payload)).toEqual(PUT);
  });

  test('a command that cannot be written leaves nothing behind in the next one', () => {
    const broken = { ...PUT, type: 'increment', by: 1.5 } as unknown as Command;
    expect(() => encodeCommand(HEAD, broken)).toThrow();
    expect(onlyCommand(encodeFrame(author(), [encodeCommand(HEAD, PUT)]))).toEqual(PUT);
  });
});

describe('the hash of a command', () => {
  test('is of what it does, not of who asks, which attempt it is and until when', () => {
    fc.assert(
      fc.property(commands, heads, heads, (command, one, other) => {
        fc.pre(one.id !== '' && other.id !== '');
        expect(hashIn(encodeCommand(one, command))).toBe(hashIn(encodeCommand(other, command)));
      }),
    );
  });

  test('differs between commands that differ in anything', () => {
    const variants: readonly Command[] = [
      PUT,
      { ...PUT, key: bytes('kez') },
      { ...PUT, value: bytes('valuf') },
      { ...PUT, value: bytes('value\0') },
      { ...PUT, key: bytes('keyv'), value: bytes('alue') },
      { ...PUT, contentType: 'text/plais' },
      { ...PUT, ttlMs: 60_001 },
      { ...PUT, condition: { match: [7, 301], noneMatch: 'any' } },
      { ...PUT, condition: { match: [7, 300], noneMatch: 'none' } },
      { ...PUT, type: 'append' },
      { type: 'delete', key: PUT.key, condition: PUT.condition },
      { type: 'touch', key: PUT.key, condition: PUT.condition, ttlMs: 0 },
      { type: 'increment', key: PUT.key, condition: PUT.condition, ttlMs: 0, by: 1n },
      { type: 'increment', key: PUT.key, condition: PUT.condition, ttlMs: 0, by: -1n },
    ];
    const hashes = variants.map((command) => hashIn(encodeCommand(HEAD, command)));
    expect(new Set(hashes).size).toBe(variants.length);
    expect(hashIn(encodeCommand(NO_ID, PUT))).toBe(0n);
  });
});

describe('damaged', () => {
  const payload = encodeFrame(author(), [encodeCommand(HEAD, PUT), encodeCommand(NO_ID, { type: 'barrier' })]);

  test('is a frame of which any one byte is another', () => {
    const mutated = Uint8Array.from(payload);
    for (let at = 0; at < payload.length; at++) {
      for (let change = 1; change < 256; change++) {
        mutated[at] = (payload[at] ?? 0) ^ change;
        if (decodeFrame(mutated).kind !== 'damaged') expect.fail(`byte ${at} changed by ${change} was not noticed`);
      }
      mutated[at] = payload[at] ?? 0;
    }
    expect(decodeFrame(mutated).kind).toBe('frame');
  });

  test('is a frame that was cut off anywhere, or goes on after its end', () => {
    for (let length = 0; length < payload.length; length++) {
      expect(decodeFrame(payload.subarray(0, length)).kind).toBe('damaged');
    }
    expect(decodeFrame(new Uint8Array([...payload, 0])).kind).toBe('damaged');
  });

  test('is what was never a frame: any bytes at all get an answer, never a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(decodeFrame(bytes).kind).toBe('damaged');
      }),
      { numRuns: 500 },
    );
  });
});

describe('behind a right checksum', () => {
  const kinds = ['frame', 'garbage', 'newer'];

  test('arbitrary bodies get an answer, never a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (body) => {
        expect(kinds).toContain(decodeFrame(sealed(body)).kind);
      }),
      { numRuns: 1000 },
    );
  });

  test('valid bodies with some bytes changed get an answer, never a throw', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(heads, commands, changes, (head, command, mutations) => {
        const body = encodeFrame(author(), [encodeCommand(head, command)]).slice(7);
        for (const [at, byte] of mutations) body[at % body.length] = byte;
        expect(kinds).toContain(decodeFrame(sealed(body)).kind);
      }),
      { numRuns: 1000 },
    );
  });

  test('every command has a number of its own', () => {
    for (const type of COMMAND_TYPES) expect(specByNumber(specOf(type).number)).toBe(specOf(type));
  });

  test('a later frame version, a later command version and an unknown command are newer: this node must stop', () => {
    expect(decodeFrame(sealed(Uint8Array.of(1, 2, 3), FRAME_VERSION + 1)).kind).toBe('newer');
    for (const type of COMMAND_TYPES) {
      const { number, version } = specOf(type);
      expect(decodeFrame(bodyOf({ command: rawCommand(number, version + 1, []) })).kind).toBe('newer');
    }
    const unknown = [0, 200, 201, 255].filter((number) => specByNumber(number) === undefined);
    expect(unknown.length).toBe(4);
    for (const number of unknown)
      expect(decodeFrame(bodyOf({ command: rawCommand(number, 1, [1, 2]) })).kind).toBe('newer');
  });

  const barrier = rawCommand(7, 1, []);
  const garbage: Readonly<Record<string, Uint8Array>> = {
    'a frame version 0': sealed(encodeFrame(author(), [barrier]).slice(7), 0),
    'a command version 0': bodyOf({ command: rawCommand(7, 0, []) }),
    'an empty node': bodyOf({ node: [0] }),
    'an empty incarnation': bodyOf({ incarnation: [0] }),
    'a frame number 0': bodyOf({ n: [0] }),
    'a frame number with a superfluous byte': bodyOf({ n: [0x81, 0x00] }),
    'a frame number above 2^53 - 1': bodyOf({ n: [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10] }),
    'no commands': bodyOf({ count: [0, 0], command: [] }),
    'more commands than there may be': bodyOf({ count: [0xff, 0xff] }),
    'fewer commands than it says': bodyOf({ count: [0, 2] }),
    'more commands than it says': bodyOf({ command: [...barrier, ...barrier] }),
    'a byte too many at the end': bodyOf({ command: [...barrier, 0] }),
    'a byte too many in a command': bodyOf({ command: rawCommand(7, 1, [0]) }),
    'an empty key': bodyOf({ command: rawCommand(2, 1, [0, 0, 0, 0]) }),
    'a key that is too long': bodyOf({ command: rawCommand(2, 1, deletion(REQUEST_LIMITS.maxKeyBytes + 1)) }),
    'a time to live that is too long': bodyOf({ command: rawCommand(3, 1, touch(REQUEST_LIMITS.maxTtlMs + 1)) }),
    'a cluster without an id': bodyOf({ command: rawCommand(9, 1, [0, 1, 1, 1, 1, 1, 1]) }),
    'a flag that is neither 0 nor 1': bodyOf({ command: rawCommand(10, 1, [0, 0, 1, 0, 1, 2, 1, 1, 1, 1, 0]) }),
  };
  test.each(Object.entries(garbage))('%s is garbage', (_name, payload) => {
    expect(decodeFrame(payload).kind).toBe('garbage');
  });

  test('the raw frames of these tests are frames but for their one fault', () => {
    for (const payload of [
      bodyOf({}),
      bodyOf({ command: rawCommand(2, 1, deletion(REQUEST_LIMITS.maxKeyBytes)) }),
      bodyOf({ command: rawCommand(3, 1, touch(REQUEST_LIMITS.maxTtlMs)) }),
      bodyOf({ command: rawCommand(9, 1, [1, 65, 1, 1, 1, 1, 1, 1]) }),
      bodyOf({ command: rawCommand(10, 1, [0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0]) }),
    ]) {
      expect(decodeFrame(payload)).toMatchObject({ kind: 'frame' });
    }
  });
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function author() {
  return { node: 'node-1', incarnation: 'incarnation-1', n: 1 };
}

function frameIn(payload: Uint8Array): Frame {
  const decoded = decodeFrame(payload);
  if (decoded.kind !== 'frame') throw new Error(`${decoded.kind}: ${decoded.reason}`);
  return decoded.frame;
}

function onlyCommand(payload: Uint8Array): Command {
  const [first, ...others] = frameIn(payload).commands;
  if (first === undefined || others.length > 0) throw new Error('the frame does not hold one command');
  return first.command;
}

function hashIn(command: Uint8Array): bigint | undefined {
  return frameIn(encodeFrame(author(), [command])).commands[0]?.hash;
}
