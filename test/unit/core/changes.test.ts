// Changes are told once each, at their place, with the revision of the command that made them; what changed nothing is not told.
import { expect, test } from 'vitest';
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import type { Command } from '../../../src/core/commands/command.ts';
import { specOf } from '../../../src/core/commands/table.ts';
import { ALWAYS } from '../../../src/core/condition.ts';
import { State } from '../../../src/core/state.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';

const key = Buffer.from('k');
const value = Buffer.from('1');
const common = { key, condition: ALWAYS };

function told(...commands: readonly Command[]): string[] {
  const state = new State(new MapKeyspace());
  const lines: string[] = [];
  state.limits = { ...STATE_LIMITS, featureLevel: 1 };
  state.time = { now: 1000, lastRaw: 1000 };
  state.onChange = (change, name, entry) => {
    lines.push([state.revision, change, Buffer.from(name), entry?.revision, entry?.expiresAt].join(' '));
  };
  for (const command of commands) {
    state.revision++;
    state.time = { now: state.time.now + 10, lastRaw: 1000 };
    specOf(command.type).apply(state, command, { node: 'n', incarnation: 'i', offset: 0 });
  }
  return lines;
}

test('a put, an increment, an append, a touch, a delete and an expire are told', () => {
  const lines = told(
    { type: 'put', ...common, value, contentType: 't', ttlMs: 0 },
    { type: 'increment', ...common, by: 1n, ttlMs: 0 },
    { type: 'append', ...common, value, contentType: 't', ttlMs: 0 },
    { type: 'touch', ...common, ttlMs: 5 },
    { type: 'expire', key, revision: 4 },
    { type: 'put', ...common, value, contentType: 't', ttlMs: 0 },
    { type: 'delete', ...common },
  );
  expect(lines).toEqual([
    '1 put k 1 0',
    '2 put k 2 0',
    '3 put k 3 0',
    '4 touch k 4 1045',
    '5 expire k  ',
    '6 put k 6 0',
    '7 delete k  ',
  ]);
});

test('a rejection and a stale expire are not told', () => {
  const condition = { match: 'any', noneMatch: 'none' } as const;
  const lines = told(
    { type: 'delete', ...common },
    { type: 'touch', ...common, ttlMs: 5 },
    { type: 'put', key, condition, value, contentType: 't', ttlMs: 0 },
    { type: 'expire', key, revision: 1 },
    { type: 'put', ...common, value: Buffer.alloc(STATE_LIMITS.maxValueBytes + 1), contentType: 't', ttlMs: 0 },
  );
  expect(lines).toEqual([]);
});
