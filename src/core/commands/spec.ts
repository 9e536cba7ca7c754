// What a family file says of each of its commands: how it is written, read and applied.

import { type ByteReader, type ByteWriter, Malformed } from '../../base/bytes.ts';
import { CACHED_STATE_LIMITS, REQUEST_LIMITS } from '../../base/limits.ts';
import { isRecordKey } from '../cache-records.ts';
import { type Condition, readCondition, writeCondition } from '../condition.ts';
import type { Verdict } from '../outcome.ts';
import type { State } from '../state.ts';
import type { Command, Get } from './command.ts';

/** Where a command stands: its frame's author and place. */
export type Place = {
  readonly node: string;
  readonly incarnation: string;
  /** Offset of its frame. */
  readonly offset: number;
};

export type CommandSpec<C extends Command | Get> = {
  /** Its number in the log: never used for another command. */
  readonly number: number;
  /** Of its body's format. */
  readonly version: number;
  /** The cluster's feature level below which it is refused: there may be nodes that do not know it. Default: 1, the first. */
  readonly featureLevel?: number;
  write(writer: ByteWriter, command: C): void;
  /** `version`: of what is read, at most this spec's. Throws Malformed on what `write` cannot have written. */
  read(reader: ByteReader, version: number): C;
  /** Total and deterministic. `state.revision` is already this command's. */
  apply(state: State, command: C, place: Place): Verdict;
};

/** What every client's command begins with. */
export type Target = { readonly key: Uint8Array; readonly condition: Condition };

/** A key that clients may use. */
export function readKey(reader: ByteReader): Uint8Array {
  const key = readAnyKey(reader);
  if (key.length > REQUEST_LIMITS.maxKeyBytes || isRecordKey(key)) throw new Malformed('no client can have such a key');
  return key;
}

/** Of clients' entries and of the records of caches. */
export function readAnyKey(reader: ByteReader): Uint8Array {
  const key = reader.bytes16();
  if (key.length === 0 || key.length > CACHED_STATE_LIMITS.maxRecordKeyBytes)
    throw new Malformed('a key is empty or too long');
  return key;
}

// target = key:bytes16 condition
export function writeTarget(writer: ByteWriter, target: Target): void {
  writer.bytes16(target.key);
  writeCondition(writer, target.condition);
}

export function readTarget(reader: ByteReader): Target {
  return { key: readKey(reader), condition: readCondition(reader) };
}

/** What a command that brings a value says after its target. */
type Brought = { readonly ttlMs: number; readonly contentType: string; readonly value: Uint8Array };

// brought = target ttl:varint type:text8 value:bytes32
export function writeBrought(writer: ByteWriter, command: Target & Brought): void {
  writeTarget(writer, command);
  writer.varint(command.ttlMs);
  writer.text8(command.contentType);
  writer.bytes32(command.value);
}

export function readBrought(reader: ByteReader): Target & Brought {
  return {
    ...readTarget(reader),
    ttlMs: readTtl(reader),
    contentType: reader.text8(),
    value: reader.bytes32(),
  };
}

export function readTtl(reader: ByteReader): number {
  const ttlMs = reader.varint();
  if (ttlMs > REQUEST_LIMITS.maxTtlMs) throw new Malformed('a time to live is too long');
  return ttlMs;
}
