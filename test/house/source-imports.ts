// What a source text imports: static, type-only, re-exporting and dynamic imports, and files run by URL (workers).
import { posix } from 'node:path';
import { type Token, tokensOf } from './source-tokens.ts';

/** `specifier` as written; undefined when a dynamic import's path is computed and cannot be read here. */
type Import = { readonly specifier: string | undefined; readonly line: number };

export function importsOf(text: string): readonly Import[] {
  const tokens = tokensOf(text);
  const imports: Import[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== 'word' || isProperty(tokens, at)) continue;
    if (token.text === 'import') imports.push(...importAt(tokens, at));
    if (token.text === 'export') imports.push(...reExportAt(tokens, at));
    if (token.text === 'require' && isMark(tokens[at + 1], '(')) imports.push(called(tokens, at));
    if (token.text === 'URL' && isMark(tokens[at + 1], '(')) imports.push(...urlAt(tokens, at));
  }
  return imports;
}

/** A relative specifier as a path from the project's root; undefined for a package. */
export function resolvedPath(importer: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(importer), specifier) : undefined;
}

/** The package a specifier names: `@scope/name` or `name` of `name/deep/file.js`; `node:` modules keep their prefix. */
export function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

function importAt(tokens: readonly Token[], at: number): readonly Import[] {
  const next = tokens[at + 1];
  if (isMark(next, '.')) return [];
  if (isMark(next, '(')) return [called(tokens, at)];
  if (next?.kind === 'string') return [{ specifier: next.text, line: next.line }];
  return fromClause(tokens, at + 1);
}

function reExportAt(tokens: readonly Token[], at: number): readonly Import[] {
  const isType = tokens[at + 1]?.text === 'type';
  const open = tokens[at + (isType ? 2 : 1)];
  return isMark(open, '{') || isMark(open, '*') ? fromClause(tokens, at + 1) : [];
}

/** The string after the first `from` of the statement, if it has one: `export { a };` has not. */
function fromClause(tokens: readonly Token[], start: number): readonly Import[] {
  for (let at = start; at < tokens.length; at++) {
    const token = tokens[at];
    const next = tokens[at + 1];
    if (token?.text === 'from' && next?.kind === 'string') return [{ specifier: next.text, line: next.line }];
    if (isMark(token, ';') || isMark(token, '=') || (isMark(token, '}') && next?.text !== 'from')) return [];
  }
  return [];
}

function called(tokens: readonly Token[], at: number): Import {
  const argument = tokens[at + 2];
  const line = tokens[at]?.line ?? 0;
  const isWhole = argument?.kind === 'string' && (isMark(tokens[at + 3], ')') || isMark(tokens[at + 3], ','));
  return { specifier: isWhole ? argument.text : undefined, line };
}

/** `new URL('./worker.ts', import.meta.url)` runs a file of ours just as an import does. */
function urlAt(tokens: readonly Token[], at: number): readonly Import[] {
  const { specifier, line } = called(tokens, at);
  return specifier?.startsWith('.') && specifier.endsWith('.ts') ? [{ specifier, line }] : [];
}

function isProperty(tokens: readonly Token[], at: number): boolean {
  return isMark(tokens[at - 1], '.') || isMark(tokens[at - 1], '?.');
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}
