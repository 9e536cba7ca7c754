// npm run drill:stale: loads and writes of many clients interleaved upon real stores, and how many reads were stale.
import { parseArgs } from 'node:util';
import { unreachable } from '../../src/base/assert.ts';
import { memory } from '../../src/cache/public.ts';
import { chorus } from '../../src/cache/tiers/chorus.ts';
import { memcached } from '../../src/cache/tiers/memcached.ts';
import { redis } from '../../src/cache/tiers/redis.ts';
import { among, countOf, freshSeed, runCommandLine } from '../command-line.ts';
import { available } from '../servers/available.ts';
import { startChorusNodes } from '../servers/chorus.ts';
import { startMemcached } from '../servers/memcached.ts';
import { startRedis } from '../servers/redis.ts';
import { naivePattern, PATTERNS, type Pattern, type Place } from './cache-patterns.ts';
import { clusterPatterns, NODES, startCachingCluster } from './caches/cluster-patterns.ts';
import { circumstances, durationText } from './report.ts';
import { type Counted, countStaleReads } from './stale-reads.ts';

const STORES = ['redis', 'memory', 'memcached', 'chorus', 'cluster'] as const;
type StoreName = (typeof STORES)[number];

const USAGE = `usage: npm run drill:stale -- [options]
  --operations <n>   loads and writes against each pattern on each store (20000)
  --clients <n>      that share a store and a database, each with a cache of its own (4)
  --stores <name,…>  among ${STORES.join(', ')} (all that can be had here)
  --seed <n>         of the random choices
  --help             this

Each client reads and writes the same rows as the others, 16 operations at a time, with random pauses between all steps. A
read is stale when it shows less than a write that had ended before the read began. Beside the patterns of the library runs
cache-aside on Redis as most write it: get; on a miss load, then set; after a write delete. The exit code is 1 when a pattern
that promises 0 stale reads had one. "cluster" are caches served by three nodes, over HTTP; each read goes to another node, with
the token of the last write. "chorus" is such a cluster as a store of the library, each client at another node first.`;

type Line = {
  readonly pattern: string;
  readonly store: string;
  readonly isPromised: boolean;
  readonly counted: Counted;
};

type Options = ReturnType<typeof readOptions>;

await runCommandLine({ usage: USAGE, read: readOptions, run: main });

async function main(options: Options): Promise<number> {
  const lines: Line[] = [];
  for (const store of options.stores) {
    if ((store === 'redis' || store === 'memcached') && !available(store)) continue;
    lines.push(...(await drillsOn(store, options)));
  }
  const { operations, clients, seed } = options;
  console.log(
    `\n${operations} loads and writes by ${clients} clients against each, seed ${seed}\n${circumstances()}\n`,
  );
  console.log(tableOf(lines));
  const faults = lines.filter(({ isPromised, counted }) => isPromised && counted.stale + counted.staleAtEnd > 0);
  console.log(faults.length === 0 ? '\nPASSED: no stale read where none is promised' : '\nFAILED');
  return faults.length === 0 ? 0 : 1;
}

function drillsOn(store: StoreName, options: Options): Promise<readonly Line[]> {
  switch (store) {
    case 'redis':
      return drillsOnRedis(options);
    case 'memory':
      return drillsInMemory(options);
    case 'memcached':
      return drillsOnMemcached(options);
    case 'chorus':
      return drillsOnChorus(options);
    case 'cluster':
      return drillsOnCluster(options);
    default:
      return unreachable(store);
  }
}

async function drillsOnRedis(options: Options): Promise<readonly Line[]> {
  const server = await startRedis({ durable: false });
  const place = (prefix: string): Place => ({
    name: 'redis',
    open: () => redis({ url: `redis://127.0.0.1:${server.port}`, prefix, timeout: '1m' }),
  });
  try {
    const lines = await promised(options, place);
    return [...lines, await lineOf(naivePattern(server.port), place('naive:'), options, false)];
  } finally {
    await server.close();
  }
}

async function drillsOnMemcached(options: Options): Promise<readonly Line[]> {
  const server = await startMemcached();
  try {
    return await promised(options, (prefix) => ({
      name: 'memcached',
      open: () => memcached({ url: server.address, prefix, timeout: '1m' }),
    }));
  } finally {
    await server.close();
  }
}

async function drillsOnChorus(options: Options): Promise<readonly Line[]> {
  const { nodes, close } = await startChorusNodes();
  const urls = nodes.map(({ url }) => url);
  let opened = 0;
  try {
    return await promised(options, (prefix) => ({
      name: 'chorus',
      open() {
        const first = opened++ % urls.length;
        return chorus({ urls: [...urls.slice(first), ...urls.slice(0, first)], store: 'drill', prefix, timeout: '1m' });
      },
    }));
  } finally {
    await close();
  }
}

/** One store for all clients: of several processes each would have its own, and nothing would be promised. */
async function drillsInMemory(options: Options): Promise<readonly Line[]> {
  return await promised(options, () => {
    const shared = memory();
    return { name: 'memory', open: () => ({ ...shared, close: async () => {} }) };
  });
}

async function drillsOnCluster(options: Options): Promise<readonly Line[]> {
  const cluster = await startCachingCluster();
  try {
    const lines: Line[] = [];
    for (const pattern of clusterPatterns(cluster)) lines.push(await lineOf(pattern, NODES, options, true));
    return lines;
  } finally {
    await cluster.close();
  }
}

/** Each pattern in a fresh place. */
async function promised(options: Options, place: (prefix: string) => Place): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const pattern of PATTERNS) lines.push(await lineOf(pattern, place(`${pattern.name}:`), options, true));
  return lines;
}

async function lineOf(pattern: Pattern, place: Place, options: Options, isPromised: boolean): Promise<Line> {
  const counted = await countStaleReads(pattern, place, options);
  process.stderr.write(
    `${pattern.name} on ${place.name}: ${counted.stale} stale reads, ${durationText(counted.tookMs)}\n`,
  );
  return { pattern: pattern.name, store: place.name, isPromised, counted };
}

function tableOf(lines: readonly Line[]): string {
  const head = [
    'pattern',
    'store',
    'reads',
    'writes',
    'loads',
    'fills refused',
    'stale reads',
    'stale at the end',
    'promised',
  ];
  const cells = lines.map(({ pattern, store, isPromised, counted }) => {
    const { reads, writes, loads, refused, stale, staleAtEnd } = counted;
    const refusals = isPromised ? refused : '–';
    const numbers = [reads, writes, loads, refusals, stale, staleAtEnd].map((count) => count.toLocaleString('en-US'));
    return [pattern, store, ...numbers, isPromised ? '0' : 'nothing'];
  });
  const all = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const texts = all.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [texts[0], rule, ...texts.slice(1)].join('\n');
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      operations: { type: 'string', default: '20000' },
      clients: { type: 'string', default: '4' },
      stores: { type: 'string', default: STORES.join(',') },
      seed: { type: 'string', default: freshSeed() },
    },
  });
  return {
    operations: countOf('operations', values.operations, 1),
    clients: countOf('clients', values.clients, 1),
    stores: values.stores.split(',').map((name) => among('stores', name, STORES)),
    seed: countOf('seed', values.seed, 0),
  };
}
