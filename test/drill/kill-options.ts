// The command line of the drill that kills.
import { parseArgs } from 'node:util';
import { among, countOf, freshSeed } from '../command-line.ts';
import type { LogOptions } from './log-servers.ts';
import type { LoadOptions } from './scene.ts';

export type KillOptions = LoadOptions &
  Pick<LogOptions, 'log' | 'brokers' | 'brokersCount'> & {
    readonly kill: 'two' | 'all' | 'none';
    readonly isLeaderKilled: boolean;
    readonly places: number;
  };

export const KILL_USAGE = `usage: npm run drill:kill -- [options]
  --log embedded|kafka    the commit log (embedded)
  --brokers <host:port,…> a Kafka that runs already; without it --log kafka starts its own
  --brokers-count 1|3     how many brokers to start (1)
  --kill two|all|none     two nodes one after the other, or all at once in the middle of the load (two)
  --kill-leader           kill the partition's leading broker in the middle of the load (needs --brokers-count 3)
  --pause <seconds>       stop one node with SIGSTOP for so long in the middle of the load, and kill none
  --places <n>            load only the first n places
  --connections <n>       writing connections (16)
  --samples <n>           keys read from each node at the end (5000)
  --seed <n>              of the random choices`;

/** Throws a TypeError with a sentence about the first wrong option. */
export function readKillOptions(words: readonly string[]): KillOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      log: { type: 'string', default: 'embedded' },
      brokers: { type: 'string' },
      'brokers-count': { type: 'string', default: '1' },
      kill: { type: 'string' },
      'kill-leader': { type: 'boolean', default: false },
      pause: { type: 'string', default: '0' },
      places: { type: 'string', default: '171075' },
      connections: { type: 'string', default: '16' },
      samples: { type: 'string', default: '5000' },
      seed: { type: 'string', default: freshSeed() },
    },
  });
  const pauseSeconds = countOf('pause', values.pause, 0);
  const options: KillOptions = {
    log: among('log', values.log, ['embedded', 'kafka'] as const),
    brokers: values.brokers,
    brokersCount: among('brokers-count', values['brokers-count'], ['1', '3'] as const) === '3' ? 3 : 1,
    kill: among('kill', values.kill ?? (pauseSeconds > 0 ? 'none' : 'two'), ['two', 'all', 'none'] as const),
    isLeaderKilled: values['kill-leader'],
    pauseSeconds,
    places: countOf('places', values.places, 100),
    connections: countOf('connections', values.connections, 1),
    samples: countOf('samples', values.samples, 1),
    seed: countOf('seed', values.seed, 0),
  };
  if (options.isLeaderKilled && (options.brokersCount !== 3 || options.log !== 'kafka')) {
    throw new TypeError('--kill-leader needs --log kafka --brokers-count 3');
  }
  if (options.brokers !== undefined && options.log !== 'kafka') throw new TypeError('--brokers needs --log kafka');
  return options;
}
