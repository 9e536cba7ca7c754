// What every file must look like, and what core/, store/ and snapshot/ must not touch to stay deterministic.
import { basename } from 'node:path';
import type { SourceFile } from './source-files.ts';
import { importsOf } from './source-imports.ts';
import { type Token, tokensOf } from './source-tokens.ts';

const MAX_LINES = 300;
/** The core must be read in an afternoon. */
export const MAX_CORE_LINES = 1600;
/** The commands of caches are a chapter of their own (decisions/0010). */
export const MAX_CORE_CACHE_LINES = 550;
/** So are tokens (decisions/0015). */
export const MAX_CORE_ACCESS_LINES = 120;

/** How many lines say something: neither blank nor comment alone. */
export function linesOfCode(files: readonly SourceFile[]): number {
  return files.reduce((sum, { text }) => sum + new Set(tokensOf(text).map((token) => token.line)).size, 0);
}

/** One sentence for each fault of the file. */
export function tidinessFaults(file: SourceFile): readonly string[] {
  const tokens = tokensOf(file.text);
  const faults = [
    ...headFaults(file),
    ...machinePathFaults(file),
    ...tokens.flatMap((token, at) =>
      isAnyType(tokens, at) ? [`line ${token.line}: the type any is not used here`] : [],
    ),
    ...DETERMINISTIC.filter((layer) => file.path.startsWith(`src/${layer}`)).flatMap((layer) =>
      impurityFaults(layer, file.text, tokens),
    ),
  ];
  return faults.map((fault) => `${file.path}: ${fault}`);
}

function headFaults({ path, text }: SourceFile): readonly string[] {
  const faults: string[] = [];
  const lines = text.split('\n');
  if (!/^\/\/ \S.*[.:]$/.test(lines[0] ?? ''))
    faults.push('the first line is not a // sentence that ends with a full stop (or a colon before a grammar)');
  const count = text.endsWith('\n') ? lines.length - 1 : lines.length;
  if (count > MAX_LINES) faults.push(`has ${count} lines, more than ${MAX_LINES}`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d|\.config|\.sample)?\.ts$/.test(basename(path))) {
    faults.push('the file name is not kebab-case');
  }
  return faults;
}

/** Somebody's own folders have no place in the repository. */
const MACHINE_PATH = /(^|[\s'"`(=])(\/(home|root|work|Users|mnt)\/[\w.-]+|[A-Z]:\\\\?Users)/;

function machinePathFaults({ text }: SourceFile): readonly string[] {
  return text
    .split('\n')
    .flatMap((line, at) => (MACHINE_PATH.test(line) ? [`line ${at + 1}: names a path of one machine`] : []));
}

/** `any` as a type; a property or method of that name is none. */
function isAnyType(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (token?.kind !== 'word' || token.text !== 'any') return false;
  const next = tokens[at + 1]?.text ?? '';
  return !isProperty(tokens, at) && ![':', '(', '?'].includes(next);
}

const DETERMINISTIC = ['core/', 'store/', 'snapshot/'] as const;
const IMPURE_WORDS: ReadonlySet<string> = new Set(
  (
    'Date performance process setTimeout setInterval setImmediate queueMicrotask await async Promise crypto randomUUID ' +
    'getRandomValues randomBytes nanoid Intl globalThis console fetch WeakRef FinalizationRegistry'
  ).split(' '),
);
/** Properties that bring chance or the machine's locale in, whatever they are asked of. */
const IMPURE_PROPERTIES = /^(random|hrtime|localeCompare|toLocale\w*)$/;

/** Modules of pure functions (checksums) and of bytes. */
const PURE_MODULES: ReadonlySet<string> = new Set(['node:zlib', 'node:buffer']);

function impurityFaults(layer: string, text: string, tokens: readonly Token[]): readonly string[] {
  const faults = tokens.flatMap((token, at) => {
    if (token.kind !== 'word') return [];
    const isImpure = isProperty(tokens, at) ? IMPURE_PROPERTIES.test(token.text) : IMPURE_WORDS.has(token.text);
    return isImpure ? [`line ${token.line}: ${layer} is deterministic and may not use ${token.text}`] : [];
  });
  const modules = importsOf(text).flatMap(({ specifier = 'a computed path', line }) =>
    specifier.startsWith('.') || PURE_MODULES.has(specifier)
      ? []
      : [`line ${line}: ${layer} may not import ${specifier}`],
  );
  return [...faults, ...modules];
}

function isProperty(tokens: readonly Token[], at: number): boolean {
  return ['.', '?.'].includes(tokens[at - 1]?.text ?? '');
}
