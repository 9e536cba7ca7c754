// Who may import whom inside src/ and examples/, and that no file reaches itself through its imports.
import type { SourceFile } from './source-files.ts';
import { importsOf, resolvedPath } from './source-imports.ts';

const LAYERS = [
  'base',
  'core',
  'log',
  'store',
  'snapshot',
  'cache',
  'node',
  'client',
  'http',
  'cluster',
  'settings.ts',
  'main.ts',
  'verify.ts',
  'token.ts',
] as const;
type Layer = (typeof LAYERS)[number];

/** What each layer may import besides itself. */
const ALLOWED: Readonly<Record<Layer, readonly Layer[]>> = {
  base: [],
  core: ['base'],
  log: ['base'],
  store: ['base', 'core'],
  snapshot: ['base', 'core'],
  cache: ['base'],
  node: ['base', 'core', 'log', 'store', 'snapshot'],
  client: ['base', 'core', 'cache'],
  http: ['base', 'core', 'node', 'cache'],
  'settings.ts': ['base', 'cache', 'node'],
  cluster: LAYERS,
  'main.ts': LAYERS,
  'verify.ts': ['base', 'core', 'log', 'node'],
  'token.ts': ['base'],
};

/** One sentence for each import that the layers forbid. */
export function layeringFaults(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    const layer = layerOf(file.path);
    if (layer === undefined) return [`${file.path}: is in no layer; the layers are ${LAYERS.join(', ')}`];
    return importsOf(file.text).flatMap(({ specifier, line }) => {
      const fault = specifier === undefined ? hiddenFault(layer) : importFault(file.path, layer, specifier);
      return fault === undefined ? [] : [`${file.path}:${line}: ${fault}`];
    });
  });
}

/**
 * One sentence for each import by which an example would be no example: it stands on the library's doors (`chorus/cache`,
 * `chorus/cache/…`), as any user's application does, and on its own folder and what the examples share.
 */
export function exampleFaults(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    importsOf(text).flatMap(({ specifier, line }) => {
      if (specifier === undefined) return [`${path}:${line}: an example may not import a computed path`];
      const target = resolvedPath(path, specifier);
      const isOwn = target === undefined || [folderOf(path), 'examples/shared'].includes(folderOf(target));
      return isOwn ? [] : [`${path}:${line}: an example may import its own folder and shared, but not ${target}`];
    }),
  );
}

/** One sentence for each circle of files, types included: the path that leads from a file back to itself. */
export function circles(files: readonly SourceFile[]): readonly string[] {
  const targets = new Map(files.map((file) => [file.path, localImports(file)]));
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push(`a circle of imports: ${[...trail.slice(start), path].join(' → ')}`);
    if (start >= 0 || finished.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    finished.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return found;
}

function importFault(path: string, layer: Layer, specifier: string): string | undefined {
  const target = resolvedPath(path, specifier);
  if (target === undefined) return undefined;
  const targetLayer = layerOf(target);
  if (targetLayer === undefined) return `src/ may not import ${target}, which is outside src/`;
  if (targetLayer === layer || ALLOWED[layer].includes(targetLayer)) return undefined;
  const allowed = ALLOWED[layer].length === 0 ? 'nothing' : ALLOWED[layer].join(', ');
  return `${layer} may import ${allowed}, but not ${targetLayer} (${target})`;
}

/** A computed path would hide an import from this test; settings.ts loads the user's configuration that way. */
function hiddenFault(layer: Layer): string | undefined {
  return layer === 'settings.ts' ? undefined : 'only settings.ts may import a computed path';
}

/** `examples/cache-aside` of any file in it, however deep. */
function folderOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

/** The settings are one layer in several files: `settings.ts`, `setting-table.ts`, … */
const SETTINGS_FILE = /^settings?(-[a-z-]+)?\.ts$/;

function layerOf(path: string): Layer | undefined {
  const [top, second] = path.split('/');
  if (top !== 'src' || second === undefined) return undefined;
  return SETTINGS_FILE.test(second) ? 'settings.ts' : LAYERS.find((layer) => layer === second);
}

function localImports(file: SourceFile): readonly string[] {
  return importsOf(file.text).flatMap(({ specifier }) => {
    const target = specifier === undefined ? undefined : resolvedPath(file.path, specifier);
    return target === undefined ? [] : [target];
  });
}
