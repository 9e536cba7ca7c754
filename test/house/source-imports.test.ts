// Tests of the import scanner, on which the layering and package tests stand.
import { describe, expect, test } from 'vitest';
import { importsOf, packageOf, resolvedPath } from './source-imports.ts';

const specifiers = (text: string) => importsOf(text).map((found) => found.specifier);

describe('importsOf', () => {
  test('finds every form of import, types included', () => {
    const text = `
      import 'side-effect';
      import a from "a";
      import { type B, c } from './b.ts';
      import type { D } from './d.ts';
      import * as e from 'e';
      export { f } from './f.ts';
      export type { G } from './g.ts';
      export * from './h.ts';
      const lazy = await import('./i.ts');
      type J = import('./j.ts').J;
      const worker = new Worker(new URL('./k.ts', import.meta.url));
      const old = require('l');
      import data from 'm' with { type: 'json' };
    `;
    expect(specifiers(text)).toEqual([
      'side-effect',
      'a',
      './b.ts',
      './d.ts',
      'e',
      './f.ts',
      './g.ts',
      './h.ts',
      './i.ts',
      './j.ts',
      './k.ts',
      'l',
      'm',
    ]);
  });

  test('is not deceived by comments, strings, templates, regular expressions and plain exports', () => {
    const text = [
      "// import a from 'a';",
      "/* import b from 'b'; */",
      'const c = "import c from \'c\'";',
      `const d = \`import d from 'd' ${'$'}{\`${'$'}{{ e: 1 }.e}\`} import e from 'e'\`;`,
      "const f = /import f from 'f'/;",
      'export const from = 1;',
      'export { c, d };',
      "export type G = { from: 'g' };",
      "console.log(import.meta.url, 'h');",
      "loader.import('i');",
      'export default f;',
    ].join('\n');
    expect(specifiers(text)).toEqual([]);
  });

  test('goes on finding imports after a template with a substitution', () => {
    expect(specifiers(`const a = \`x ${'$'}{b} y\`;\nexport * from './c.ts';`)).toEqual(['./c.ts']);
  });

  test('says where an import stands and admits a computed path', () => {
    expect(importsOf(`\n\nimport(\`./${'$'}{name}.ts\`);`)).toEqual([{ specifier: undefined, line: 3 }]);
  });
});

test('a relative specifier becomes a path from the root, a package none', () => {
  expect(resolvedPath('src/core/commands/put.ts', '../keyspace.ts')).toBe('src/core/keyspace.ts');
  expect(resolvedPath('src/core/commands/put.ts', 'express')).toBeUndefined();
});

test('the package of a deep specifier is its first part, with the scope', () => {
  expect(['kafkajs/src/cluster', '@a/b/c', 'node:sqlite'].map(packageOf)).toEqual(['kafkajs', '@a/b', 'node:sqlite']);
});
