// The command line of the full drill.
import { parseArgs } from 'node:util';
import { among, amountOf, countOf, freshSeed } from '../command-line.ts';
import { FAULT_NAMES, type FaultName, FULL_FAULTS, type FullFault } from './full-faults.ts';

export type FullOptions = {
  readonly log: 'embedded' | 'kafka';
  readonly minutes: number;
  readonly faults: readonly FaultName[];
  /** One fault each 20 s, of those that end no node, and the nodes' memory, open files and lag are judged. */
  readonly isSoak: boolean;
  readonly seed: number;
  /** Upon registers, besides the other load. */
  readonly clients: number;
  readonly connections: number;
  /** Acknowledged writes below which the run fails. */
  readonly least: number;
  readonly samples: number;
  /** Where the report goes. */
  readonly out: string;
  /** A directory whose history is judged again; nothing is started then. */
  readonly recheck: string | undefined;
};

const LEAST_A_MINUTE = 3_000;
const WIDTH = Math.max(...FAULT_NAMES.map((name) => name.length));
const FAULTS_TEXT = FAULT_NAMES.map((name) => {
  const { about, needs } = FULL_FAULTS[name];
  return `  ${name.padEnd(WIDTH)}  ${about}${needs === 'any log' ? '' : ` (${needs} only)`}`;
}).join('\n');

export const FULL_USAGE = `usage: npm run drill -- [options]
  --minutes <n>        how long faults strike, 0.5 for instance; each strikes once at least, however long that takes (3)
  --log kafka|embedded the commit log: three brokers of its own, or the embedded one (kafka)
  --faults <a,b,…>     only these (all that the log allows)
  --soak               a fault each 20 s, of those that end no node: what the nodes take must not grow; with --minutes 60
  --seed <n>           of the random choices
  --clients <n>        that fight over registers, over all nodes and the balancer (8)
  --connections <n>    of the balancer that write places (8)
  --least <n>          acknowledged writes below which the run fails (${LEAST_A_MINUTE} a minute)
  --samples <n>        keys read from each node at the end, besides every key from one (2000)
  --out <dir>          where report.html and summary.json go, and the history of a run that fails (test-results/drill)
  --recheck <dir>      judge the history kept there again, and start nothing
  --help               this

faults:
${FAULTS_TEXT}

Three nodes behind Nginx on real Kafka. Meanwhile clients write places, count, fight over registers with conditions and linearizable reads,
and write rows behind into a database. A witness follows the log and applies it by itself: what no client was told is found there. The
exit code is 1 when a write was lost or doubled, a register is not linearizable, nodes differ, a fault did not take effect,
the load was too small, or a soak's nodes took more and more memory, open files or time behind the log; 64 when the options are wrong.`;

/** Throws a TypeError with a sentence about the first wrong option. */
export function readFullOptions(words: readonly string[]): FullOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      log: { type: 'string', default: 'kafka' },
      minutes: { type: 'string', default: '3' },
      faults: { type: 'string' },
      soak: { type: 'boolean', default: false },
      seed: { type: 'string', default: freshSeed() },
      clients: { type: 'string', default: '8' },
      connections: { type: 'string', default: '8' },
      least: { type: 'string' },
      samples: { type: 'string', default: '2000' },
      out: { type: 'string', default: 'test-results/drill' },
      recheck: { type: 'string' },
    },
  });
  const log = among('log', values.log, ['kafka', 'embedded'] as const);
  const minutes = amountOf('minutes', values.minutes, 24 * 60);
  return {
    log,
    minutes,
    faults: values.faults === undefined ? allowedOn(log, values.soak) : faultsOf(values.faults, log, values.soak),
    isSoak: values.soak,
    seed: countOf('seed', values.seed, 0),
    clients: countOf('clients', values.clients, 8),
    connections: countOf('connections', values.connections, 1),
    least: values.least === undefined ? Math.round(minutes * LEAST_A_MINUTE) : countOf('least', values.least, 1),
    samples: countOf('samples', values.samples, 1),
    out: values.out,
    recheck: values.recheck,
  };
}

function allowedOn(log: FullOptions['log'], isSoak: boolean): readonly FaultName[] {
  return FAULT_NAMES.filter((name) => isAllowed(name, log) && !(isSoak && endsNodes(name)));
}

function faultsOf(text: string, log: FullOptions['log'], isSoak: boolean): readonly FaultName[] {
  const faults = text.split(',').map((name) => faultOf(name, log));
  const ending = isSoak ? faults.find(endsNodes) : undefined;
  if (ending !== undefined) throw new TypeError(`--soak watches processes that live on, and ${ending} ends them`);
  return faults;
}

function endsNodes(name: FaultName): boolean {
  const fault: FullFault = FULL_FAULTS[name];
  return fault.endsNodes === true;
}

function isAllowed(name: FaultName, log: FullOptions['log']): boolean {
  const { needs } = FULL_FAULTS[name];
  return needs === 'any log' || needs === log;
}

function faultOf(text: string, log: FullOptions['log']): FaultName {
  const name = among('faults', text, FAULT_NAMES);
  if (!isAllowed(name, log)) throw new TypeError(`--faults ${name} needs --log ${FULL_FAULTS[name].needs}`);
  return name;
}
