// The tidy test: first sentences, file lengths and names, no any, no machine's paths, a deterministic core/.
import { describe, expect, test } from 'vitest';
import { type SourceFile, sourceFilesOf } from './source-files.ts';
import {
  linesOfCode,
  MAX_CORE_ACCESS_LINES,
  MAX_CORE_CACHE_LINES,
  MAX_CORE_LINES,
  tidinessFaults,
} from './tidiness.ts';

test('every file of src, examples and test is tidy', () => {
  const files = sourceFilesOf(['src', 'examples', 'test']);
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap(tidinessFaults)).toEqual([]);
});

test('core/ can be read in an afternoon, its chapter on caches in an hour, and that on tokens over a coffee', () => {
  const files = sourceFilesOf(['src/core']);
  const isOnCaches = ({ path }: SourceFile) => /\/cache[^/]*$/.test(path);
  const isOnAccess = ({ path }: SourceFile) => path.startsWith('src/core/access/');
  expect(linesOfCode(files.filter((file) => !isOnCaches(file) && !isOnAccess(file)))).toBeLessThanOrEqual(
    MAX_CORE_LINES,
  );
  expect(linesOfCode(files.filter(isOnCaches))).toBeLessThanOrEqual(MAX_CORE_CACHE_LINES);
  expect(linesOfCode(files.filter(isOnAccess))).toBeLessThanOrEqual(MAX_CORE_ACCESS_LINES);
});

test('lines of code are those that are neither blank nor comment alone', () => {
  const text = '// One.\n\n/* Two\n * and\n */\nconst a = 1; // A.\nf(\n  a,\n);\n';
  expect(linesOfCode([{ path: 'src/core/made-up.ts', text }])).toBe(4);
});

describe('the tidy test finds', () => {
  const faultsOf = (text: string, path = 'src/node/made-up.ts') => tidinessFaults({ path, text } satisfies SourceFile);

  test('nothing in a tidy file', () => {
    expect(faultsOf('// A made-up file.\nexport const one = 1;\n')).toEqual([]);
  });

  test('a first line that is no sentence', () => {
    const fault = expect.stringContaining('the first line is not a // sentence');
    for (const head of ['const a = 1;', '// No full stop', '/* A block. */', ''])
      expect(faultsOf(head)).toEqual([fault]);
  });

  test('a file of 301 lines, but not one of 300', () => {
    expect(faultsOf(`// Long.\n${'x;\n'.repeat(299)}`)).toEqual([]);
    expect(faultsOf(`// Long.\n${'x;\n'.repeat(300)}`)).toEqual(['src/node/made-up.ts: has 301 lines, more than 300']);
  });

  test('a file name that is not kebab-case', () => {
    const fault = ['src/node/madeUp.ts: the file name is not kebab-case'];
    expect(faultsOf('// Made up.', 'src/node/madeUp.ts')).toEqual(fault);
  });

  test('the type any, but no word any in a string or comment and no Promise.any', () => {
    expect(faultsOf("// Any any.\nconst a: 'any' = 'any'; await Promise.any([]);")).toEqual([]);
    expect(faultsOf('// Made up.\nconst a = b as any;')).toEqual([
      'src/node/made-up.ts: line 2: the type any is not used here',
    ]);
  });

  test('a path of one machine', () => {
    const path = ['', 'home', 'someone', 'chorus'].join('/');
    expect(faultsOf(`// Made up.\nread('${path}');`)).toEqual([
      'src/node/made-up.ts: line 2: names a path of one machine',
    ]);
  });

  test.each([
    ['const now = Date.now();', 'Date'],
    ['const chance = Math.random();', 'random'],
    ['process.exit(1);', 'process'],
    ['setTimeout(done, 1);', 'setTimeout'],
    ['performance.now();', 'performance'],
    ['const id = crypto.randomUUID();', 'crypto'],
    ['a.localeCompare(b);', 'localeCompare'],
    ['export async function f() {}', 'async'],
  ])('an impure word in core/: %s', (line, word) => {
    const fault = `src/core/made-up.ts: line 2: core/ is deterministic and may not use ${word}`;
    expect(faultsOf(`// Made up.\n${line}`, 'src/core/made-up.ts')).toEqual([fault]);
    expect(faultsOf(`// Made up.\n${line}`)).toEqual([]);
  });

  test('a module import in core/', () => {
    const fault = 'src/core/made-up.ts: line 2: core/ may not import node:crypto';
    expect(faultsOf("// Made up.\nimport 'node:crypto';", 'src/core/made-up.ts')).toEqual([fault]);
  });
});
