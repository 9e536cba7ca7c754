// The layering test: who may import whom in src/ and examples/, and no circles, types included.
import { expect, test } from 'vitest';
import { circles, exampleFaults, layeringFaults } from './layering.ts';
import { sourceFilesOf } from './source-files.ts';

const files = sourceFilesOf(['src']);

test('every file of src imports only what its layer may', () => {
  expect(files.length).toBeGreaterThan(0);
  expect(layeringFaults(files)).toEqual([]);
});

test('every example imports only the doors of the library, its own files and what examples share', () => {
  const examples = sourceFilesOf(['examples']);
  expect(examples.length).toBeGreaterThan(0);
  expect(exampleFaults(examples)).toEqual([]);
  expect(circles(examples)).toEqual([]);
});

test('no file of src reaches itself through its imports', () => {
  expect(circles(files)).toEqual([]);
});

test('a forbidden import, even of a type, is found and named with file, line and rule', () => {
  const made = [{ path: 'src/core/machine.ts', text: "\nimport type { NodeApi } from '../node/requests.ts';" }];
  expect(layeringFaults(made)).toEqual([
    'src/core/machine.ts:2: core may import base, but not node (src/node/requests.ts)',
  ]);
});

test('an import of test code, a file in no layer and a computed path are found', () => {
  const made = [
    { path: 'src/base/a.ts', text: "import '../../test/house/layering.ts';" },
    { path: 'src/extra/b.ts', text: '' },
    { path: 'src/http/c.ts', text: 'await import(path);' },
  ];
  expect(layeringFaults(made)).toEqual([
    'src/base/a.ts:1: src/ may not import test/house/layering.ts, which is outside src/',
    expect.stringContaining('src/extra/b.ts: is in no layer'),
    'src/http/c.ts:1: only settings.ts may import a computed path',
  ]);
});

test('an example that reaches into src or into another example is found', () => {
  const made = [
    { path: 'examples/a/main.ts', text: "import 'chorus/cache';\nimport '../shared/b.ts';\nimport './c.ts';" },
    { path: 'examples/a/d.ts', text: "import '../../src/cache/public.ts';\nimport '../other/e.ts';" },
  ];
  expect(exampleFaults(made)).toEqual([
    'examples/a/d.ts:1: an example may import its own folder and shared, but not src/cache/public.ts',
    'examples/a/d.ts:2: an example may import its own folder and shared, but not examples/other/e.ts',
  ]);
});

test('a circle over three files is found once, with its path', () => {
  const made = [
    { path: 'src/core/a.ts', text: "import './b.ts';" },
    { path: 'src/core/b.ts', text: "import type { C } from './c.ts';" },
    { path: 'src/core/c.ts', text: "export * from './a.ts';" },
    { path: 'src/core/d.ts', text: "import './a.ts';" },
  ];
  expect(circles(made)).toEqual(['a circle of imports: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts']);
});
