// A slot: what `slotted` keeps under one key of a store, and its byte form, a readable line of JSON before the value.
import { VERSION_LENGTH } from './ports.ts';

/** A writer's hold; `untilMs` is wall-clock time, so holds are made longer than the machines' clocks may differ. */
export type Hold = { readonly id: string; readonly untilMs: number };

/** When an entry was loaded, or a tag invalidated: which generation of the store, and after how many invalidations by tag. */
export type Moment = { readonly generation: string; readonly sequence: number };

/** Each state of a key has a version of its own, never used again: it is what notes are compared by. */
export type Slot = { readonly version: string } & SlotState;
export type SlotState =
  /** Nothing but its version: a note was taken of an absent key. */
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'entry';
      readonly value: Uint8Array | undefined;
      readonly freshUntilMs: number;
      readonly expiresAtMs: number;
      readonly tags: readonly string[];
      readonly loaded: Moment;
    }
  /** `isSpoilt`: holds overlapped, or the key was invalidated meanwhile: no put may keep its value. */
  | { readonly kind: 'held'; readonly holds: readonly Hold[]; readonly isSpoilt: boolean }
  /** The store's own slot, or a tag's: the moment of the last invalidation. */
  | { readonly kind: 'moment'; readonly moment: Moment };

const NEWLINE = 0x0a;

/**
 * version, a space, a JSON object, a newline, and the value's bytes if there is a value:
 * `V1StGXR8_Z5jdHi6B-myT {"fresh":…,"expires":…,"tags":[],"generation":"…","sequence":0}⏎{"id":1}`
 */
export function encodeSlot(slot: Slot): Uint8Array {
  const head = `${slot.version.padEnd(VERSION_LENGTH)} ${JSON.stringify(headOf(slot))}\n`;
  if (slot.kind !== 'entry' || slot.value === undefined) return Buffer.from(head);
  const headLength = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(headLength + slot.value.length);
  bytes.write(head);
  bytes.set(slot.value, headLength);
  return bytes;
}

/** Bytes that are no slot (another program's, a later format) count as an empty slot: a note can be taken, a fill replaces it. */
export function decodeSlot(bytes: Uint8Array): Slot {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = buffer.indexOf(NEWLINE);
  const line = buffer.toString('utf8', 0, end < 0 ? Math.min(buffer.length, VERSION_LENGTH) : end);
  const version = line.slice(0, VERSION_LENGTH).trimEnd();
  return stateOf(version, line.slice(VERSION_LENGTH), bytes.subarray(end + 1)) ?? { version, kind: 'empty' };
}

type Head = {
  readonly fresh?: number;
  readonly expires?: number;
  readonly tags?: readonly string[];
  readonly absent?: true;
  readonly generation?: string;
  readonly sequence?: number;
  readonly holds?: readonly Hold[];
  readonly spoilt?: boolean;
};

function headOf(slot: Slot): Head {
  if (slot.kind === 'empty') return {};
  if (slot.kind === 'held') return { holds: slot.holds, spoilt: slot.isSpoilt };
  if (slot.kind === 'moment') return slot.moment;
  const absent = slot.value === undefined ? ({ absent: true } as const) : {};
  return { fresh: slot.freshUntilMs, expires: slot.expiresAtMs, tags: slot.tags, ...slot.loaded, ...absent };
}

function stateOf(version: string, json: string, value: Uint8Array): Slot | undefined {
  const head = parsed(json);
  if (head === undefined) return undefined;
  const { holds, generation, sequence, fresh, expires, tags } = head;
  if (holds !== undefined) return { version, kind: 'held', holds, isSpoilt: head.spoilt === true };
  if (generation === undefined || sequence === undefined) return undefined;
  const moment = { generation, sequence };
  if (fresh === undefined || expires === undefined) return { version, kind: 'moment', moment };
  return {
    version,
    kind: 'entry',
    value: head.absent ? undefined : value,
    freshUntilMs: fresh,
    expiresAtMs: expires,
    tags: tags ?? [],
    loaded: moment,
  };
}

function parsed(json: string): Head | undefined {
  // A placeholder has no head at all: an error to catch would cost more than all the rest.
  if (!json.startsWith(' {')) return undefined;
  try {
    const head: unknown = JSON.parse(json);
    return typeof head === 'object' && head !== null ? head : undefined;
  } catch {
    return undefined;
  }
}
