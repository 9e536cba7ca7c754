// The id of the cluster in a node's own directory: kept, replaced as a whole, and never taken for absent when it is damaged.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT } from '../../../src/base/errors.ts';
import { fileIdentity } from '../../../src/node/identity-file.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chorus-identity-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('what is saved is loaded, also by the next process', async () => {
  const own = join(directory, 'data', 'node-1');
  expect(await fileIdentity(own).load()).toBeUndefined();
  await fileIdentity(own).save('R6XCrrKTsOS4-Sj6_UvW9');
  expect(await fileIdentity(own).load()).toBe('R6XCrrKTsOS4-Sj6_UvW9');
  expect(readdirSync(own)).toEqual(['cluster']);
});

test('an empty file is damage, not a node without a cluster', async () => {
  writeFileSync(join(directory, 'cluster'), '');
  await expect(fileIdentity(directory).load()).rejects.toMatchObject({ exitCode: EXIT.damagedData });
});

test('a file that cannot be read is damage', async () => {
  mkdirSync(join(directory, 'cluster'));
  await expect(fileIdentity(directory).load()).rejects.toMatchObject({ exitCode: EXIT.damagedData });
});
