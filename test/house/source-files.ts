// The project's TypeScript files, read once for the tests that judge the code itself.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file: `path` from the project's root with forward slashes, and its whole text. */
export type SourceFile = { readonly path: string; readonly text: string };

const root = fileURLToPath(new URL('../../', import.meta.url));

/** All .ts files below the folders named (relative to the project's root), in byte order of their paths. */
export function sourceFilesOf(folders: readonly string[]): readonly SourceFile[] {
  const files: SourceFile[] = [];
  for (const folder of folders) {
    for (const entry of readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const path = `${entry.parentPath}/${entry.name}`.replaceAll('\\', '/').slice(root.length);
      files.push({ path, text: readFileSync(`${root}${path}`, 'utf8') });
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Names of the packages that package.json lists under the given field. */
export function packagesListedIn(field: 'dependencies' | 'devDependencies'): ReadonlySet<string> {
  const manifest: unknown = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const listed = (manifest as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>)[field];
  return new Set(Object.keys(listed ?? {}));
}
