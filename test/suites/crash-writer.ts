// A child process that writes into a log until it is killed, and prints "<id> <offset> ok" for each acknowledged record.
import { parseArgs } from 'node:util';
import { AppendRefused, AppendUnknown, type CommitLog } from '../../src/log/commit-log.ts';

const APPENDS_AT_ONCE = 4;

const { values } = parseArgs({
  options: {
    log: { type: 'string' },
    name: { type: 'string' },
    dir: { type: 'string' },
    brokers: { type: 'string' },
    topic: { type: 'string' },
  },
});

/** How each kind of log is opened from the command line; imported late, so that a child loads only its own kind. */
const OPENERS: Readonly<Record<string, () => Promise<CommitLog>>> = {
  embedded: async () => (await import('../../src/log/embedded-log.ts')).openEmbeddedLog({ dir: values.dir ?? '' }),
  kafka: async () => {
    const { openKafkaLog } = await import('../../src/log/kafka-log.ts');
    const { createLogger } = await import('../../src/base/logger.ts');
    const brokers = (values.brokers ?? '').split(',');
    const logger = createLogger('silent', {});
    return openKafkaLog({ brokers, topic: values.topic ?? '', logger, startTimeoutMs: 30_000 });
  },
};

// The parent's end closes standard input: no writer is left behind.
process.stdin.on('end', () => process.exit(0)).resume();
const open = OPENERS[values.log ?? ''];
if (open === undefined) throw new Error(`--log ${values.log} is not one of ${Object.keys(OPENERS).join(', ')}`);
const log = await open();
for (let lane = 0; lane < APPENDS_AT_ONCE; lane++) void write(lane);

async function write(lane: number): Promise<never> {
  for (let n = 0; ; n++) {
    const id = `${values.name}/${lane}/${n}`;
    try {
      const { offset } = await log.append(payloadOf(id, n));
      process.stdout.write(`${id} ${offset} ok\n`);
    } catch (error) {
      if (!(error instanceof AppendRefused || error instanceof AppendUnknown)) throw error;
    }
  }
}

/** The id, then filling: mostly small, sometimes large, so that kills also hit long writes. */
function payloadOf(id: string, n: number): Uint8Array {
  return new TextEncoder().encode(`${id} `.padEnd(n % 50 === 49 ? 300_000 : 150, 'x'));
}
