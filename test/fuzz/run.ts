// npm run fuzz: random and changed requests over raw sockets, cut at every byte, and poison straight into the commit log, upon a real cluster.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/logger.ts';
import { ChorusClient } from '../../src/client/client.ts';
import type { CommitLog } from '../../src/log/commit-log.ts';
import { openEmbeddedLog } from '../../src/log/embedded-log.ts';
import { openKafkaLog } from '../../src/log/kafka-log.ts';
import { among, countOf, freshSeed, runCommandLine } from '../command-line.ts';
import { checkDigests, selfOf } from '../drill/members.ts';
import { circumstances, durationText, printFaults, showProgress } from '../drill/report.ts';
import { targetOf } from '../drill/requests.ts';
import { type Random, seeded } from '../random.ts';
import { available } from '../servers/available.ts';
import { type ChorusNodes, startChorusNodes } from '../servers/chorus.ts';
import { startKafka } from '../servers/kafka.ts';
import { FuzzLine } from './lines.ts';
import { poison } from './records.ts';
import { fuzzRequest } from './requests.ts';

const USAGE = `usage: npm run fuzz -- [options]
  --requests <n>        random and changed HTTP requests (100000)
  --records <n>         poison records, straight into the log (10000)
  --log embedded|kafka  the commit log (embedded)
  --lines <n>           connections at once (48)
  --seed <n>            of the random choices
  --help                this

Three real nodes. Each request is sent in pieces: cut at one byte, each of its bytes in turn, or after every byte. Meanwhile a client
counts. The exit code is 1 when an answer was a 5xx other than 503, 504 and 507, a request stayed without an answer, a node ended, the
count is not exact, or the nodes differ at the end; 64 when the options are wrong. A request that names a transfer coding of its own
may be answered 501 (RFC 9112, 6.1).`;

const ALLOWED: ReadonlySet<number> = new Set([503, 504, 507]);
const CODING = /transfer-encoding/i;
const COUNTER = 'exact/counter';
/** One request in so many is cut after every byte, if it is no longer than this. */
const EVERY_BYTE_OF = 50;
const EVERY_BYTE_MAX = 500;
const RECORDS_AT_ONCE = 64;
const SETTLES_WITHIN_MS = 60_000;

type Options = ReturnType<typeof readOptions>;

await runCommandLine({ usage: USAGE, read: readOptions, run: main });

async function main(options: Options): Promise<number> {
  if (options.log === 'kafka' && !available('kafka')) throw new Error('on Kafka this needs one: see the line above');
  const kafka = options.log === 'kafka' ? await startKafka({ brokers: 1 }) : undefined;
  try {
    const flags = kafka === undefined ? [] : ['--log', 'kafka', '--kafka-brokers', kafka.brokers];
    const cluster = await startChorusNodes({ flags });
    try {
      return await fuzz(options, cluster, () => openLog(cluster.directory, kafka?.brokers));
    } finally {
      await cluster.close();
    }
  } finally {
    await kafka?.close();
  }
}

async function fuzz(options: Options, cluster: ChorusNodes, open: () => Promise<CommitLog>): Promise<number> {
  const faults: string[] = [];
  const targets = cluster.nodes.map(({ port }) => targetOf(port, 4));
  const before = await Promise.all(targets.map(selfOf));
  const counting = new AbortController();
  const counted = count(cluster, counting.signal, faults);
  const statuses = await sendRequests(options, cluster, faults);
  const poisoned = await appendPoison(options, open, faults);
  counting.abort();
  const total = await counted;
  for (const [at, { id, server }] of cluster.nodes.entries()) {
    const self = targets[at] === undefined ? undefined : await selfOf(targets[at]);
    if (!server.isRunning || self?.pid !== before[at]?.pid) faults.push(`${id} ended: ${server.output.slice(-1000)}`);
  }
  await compareCount(cluster, total, faults);
  const digest = await compareDigests(targets, faults);
  const table = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status} × ${times}`);
  console.log(`\nfuzz with seed ${options.seed}\n${circumstances()}\n`);
  console.log(`  requests  ${options.requests}: ${table.join(', ')}`);
  console.log(`  records   ${options.records} on the ${options.log} log in ${durationText(poisoned)}`);
  console.log(`  count     ${total} on every node\n  digest    ${digest}\n`);
  printFaults(faults);
  console.log(faults.length === 0 ? 'PASSED: no crash, no 5xx but those allowed, all nodes equal' : 'FAILED');
  return faults.length === 0 ? 0 : 1;
}

/** How often each status was answered; 0: the connection was closed without an answer. */
async function sendRequests({ requests, lines, seed }: Options, cluster: ChorusNodes, faults: string[]) {
  const statuses = new Map<number, number>();
  let sent = 0;
  const done = showProgress(
    'requests',
    requests,
    () => sent,
    () => `${faults.length} faults`,
  );
  const work = async (n: number) => {
    const random = seeded(seed + n);
    const line = new FuzzLine(cluster.nodes[n % cluster.nodes.length]?.port ?? 0);
    while (sent < requests) {
      const place = sent++;
      const request = fuzzRequest(random);
      const shown = JSON.stringify(request.bytes.toString('latin1', 0, 400));
      const brought = await line.send(request, cutsOf(request.bytes.length, place, random)).catch((error: Error) => {
        faults.push(`${error.message} at ${shown}`);
        return { statuses: [], isSilent: false };
      });
      if (brought.isSilent) faults.push(`no answer to ${shown}`);
      else if (request.isSound && brought.statuses.length === 0) faults.push(`hung up on ${shown}`);
      for (const status of brought.statuses.length === 0 ? [0] : brought.statuses) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const isAllowed = ALLOWED.has(status) || (status === 501 && CODING.test(shown));
        if (status >= 500 && !isAllowed) faults.push(`${status} to ${shown}`);
      }
    }
    line.close();
  };
  await Promise.all(Array.from({ length: lines }, (_, n) => work(n)));
  done();
  return statuses;
}

/** Cut at one byte, each in turn; some requests after every byte. */
function cutsOf(length: number, place: number, random: Random): readonly number[] {
  if (length < 2) return [];
  if (length <= EVERY_BYTE_MAX && random.below(EVERY_BYTE_OF) === 0)
    return Array.from({ length: length - 1 }, (_, at) => at + 1);
  return [1 + (place % (length - 1))];
}

/** Resolves with the milliseconds that it took. */
async function appendPoison({ records, seed }: Options, open: () => Promise<CommitLog>, faults: string[]) {
  const begunAt = performance.now();
  if (records === 0) return 0;
  const log = await open();
  const random = seeded(seed);
  let appended = 0;
  const done = showProgress(
    'records',
    records,
    () => appended,
    () => '',
  );
  const work = async () => {
    while (appended < records) {
      appended++;
      await log.append(poison(random)).catch((error: Error) => faults.push(`poison was not taken: ${error.message}`));
    }
  };
  await Promise.all(Array.from({ length: RECORDS_AT_ONCE }, work));
  done();
  await log.close();
  return performance.now() - begunAt;
}

async function count(cluster: ChorusNodes, signal: AbortSignal, faults: string[]): Promise<number> {
  const client = new ChorusClient({ baseUrls: cluster.nodes.map(({ url }) => url), deadlineMs: SETTLES_WITHIN_MS });
  let total = 0;
  try {
    while (!signal.aborted) {
      const { value } = await client.increment(COUNTER);
      total += 1;
      if (value !== BigInt(total)) throw new Error(`the counter is ${value} after ${total} increments`);
    }
  } catch (error) {
    faults.push(`counting ended: ${messageOf(error)}`);
  }
  client.close();
  return total;
}

async function compareCount(cluster: ChorusNodes, total: number, faults: string[]): Promise<void> {
  for (const { id, url } of cluster.nodes) {
    const answer = await fetch(`${url}/v1/keys/${COUNTER}?consistency=linearizable&timeout=30s`);
    const value = await answer.text();
    if (value !== String(total)) faults.push(`the counter is ${answer.status} ${value} on ${id}, not ${total}`);
  }
}

async function compareDigests(targets: readonly ReturnType<typeof targetOf>[], faults: string[]): Promise<string> {
  const [first] = targets;
  const answer = first === undefined ? 'there is no node' : await checkDigests(first);
  if (typeof answer === 'string') {
    faults.push(`digests could not be compared: ${answer}`);
    return 'unknown';
  }
  const digests = Object.values(answer.digests);
  if (!answer.agreed || digests.length < targets.length) faults.push(`digests: ${JSON.stringify(answer.digests)}`);
  return `${digests[0]} at revision ${answer.revision}, agreed by ${digests.length} nodes`;
}

function openLog(directory: string, brokers: string | undefined): Promise<CommitLog> {
  if (brokers === undefined) return openEmbeddedLog({ dir: join(directory, 'data', 'log') });
  const logger = createLogger('silent', {});
  return openKafkaLog({ brokers: [brokers], topic: 'chorus.commands', logger, startTimeoutMs: 30_000 });
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      requests: { type: 'string', default: '100000' },
      records: { type: 'string', default: '10000' },
      log: { type: 'string', default: 'embedded' },
      lines: { type: 'string', default: '48' },
      seed: { type: 'string', default: freshSeed() },
    },
  });
  return {
    requests: countOf('requests', values.requests, 0),
    records: countOf('records', values.records, 0),
    log: among('log', values.log, ['embedded', 'kafka'] as const),
    lines: countOf('lines', values.lines, 1),
    seed: countOf('seed', values.seed, 0),
  };
}
