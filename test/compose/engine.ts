// The compose cluster under a project name, network and port of its own, driven by the docker command line.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const BROKERS = { one: ['kafka'], three: ['kafka-1', 'kafka-2', 'kafka-3'] } as const;
const OTHERS = ['node-1', 'node-2', 'node-3', 'nginx'] as const;
type Service = (typeof BROKERS)['one' | 'three'][number] | (typeof OTHERS)[number];

const CHECKOUT = resolve(import.meta.dirname, '../..');
const PROJECT = 'chorus-test';
const TOPIC = 'chorus.commands';
const NETWORK_PREFIX = '172.16.84';
const COMMAND_TIMEOUT_MS = 600_000;

/** Why there is nothing to run the test with, or undefined. */
export async function whatIsMissing(): Promise<string | undefined> {
  for (const words of [['info'], ['compose', 'version']]) {
    const { status, output } = await run('docker', words, {});
    if (status !== 0) return `docker ${words.join(' ')}: ${output.trim().split('\n').at(-1) ?? `ended with ${status}`}`;
  }
  return undefined;
}

export class ComposeCluster {
  readonly services: readonly Service[];
  readonly #brokers: keyof typeof BROKERS;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(port: number, brokers: keyof typeof BROKERS) {
    this.#brokers = brokers;
    this.services = [...BROKERS[brokers], ...OTHERS];
    const CHORUS_KAFKA_BROKERS = BROKERS[brokers].map((name) => `${name}:9092`).join(',');
    this.#environment = { PUBLISHED_PORT: String(port), NETWORK_PREFIX, CHORUS_KAFKA_BROKERS };
  }

  async build(): Promise<void> {
    await this.#compose('build');
  }

  /** Starts what is not running and resolves when all is healthy. One try. */
  async up(): Promise<void> {
    const withoutTheOne = this.#brokers === 'three' ? ['--scale', 'kafka=0'] : [];
    await this.#compose('up', '-d', '--wait', ...withoutTheOne);
  }

  /** Stops all in order and starts all again; resolves when all is healthy. */
  async restart(): Promise<void> {
    await this.#compose('restart');
    await this.up();
  }

  /** kill -9, all at once. */
  async kill(...services: readonly Service[]): Promise<void> {
    await this.#docker('kill', ...services.map(containerOf));
    for (const service of services) {
      if ((await this.#stateOf(service)) !== 'exited') throw new Error(`${service} was not killed`);
    }
  }

  async start(service: Service): Promise<void> {
    await this.#docker('start', containerOf(service));
  }

  /** Stops its processes where they are, sockets open. */
  async pause(service: Service): Promise<void> {
    await this.#docker('pause', containerOf(service));
    if ((await this.#stateOf(service)) !== 'paused') throw new Error(`${service} was not paused`);
  }

  async unpause(service: Service): Promise<void> {
    await this.#docker('unpause', containerOf(service));
  }

  /** The broker that leads the log's partition. */
  async leader(): Promise<Service> {
    const asked = BROKERS[this.#brokers][0];
    const tool = ['/opt/kafka/bin/kafka-topics.sh', '--bootstrap-server', `${asked}:9092`];
    const said = await this.#docker('exec', containerOf(asked), ...tool, '--describe', '--topic', TOPIC);
    const id = Number(/Leader: (\d)/.exec(said)?.[1]);
    const leader = BROKERS[this.#brokers][id - 1];
    if (leader === undefined) throw new Error(`no leader is named in: ${said}`);
    return leader;
  }

  /** Removes containers, networks and volumes, and checks that none is left. */
  async down(): Promise<void> {
    await this.#compose('down', '-v', '--timeout', '20');
    const filter = `label=com.docker.compose.project=${PROJECT}`;
    for (const words of [
      ['ps', '-aq'],
      ['volume', 'ls', '-q'],
      ['network', 'ls', '-q'],
    ]) {
      const left = await this.#docker(...words, '--filter', filter);
      if (left !== '') throw new Error(`left behind by down: docker ${words.join(' ')} says ${left}`);
    }
  }

  /** The last lines of what the containers wrote. */
  async logs(): Promise<string> {
    return this.#compose('logs', '--no-color', '--tail', '30');
  }

  async #stateOf(service: Service): Promise<string> {
    return this.#docker('inspect', '--format', '{{.State.Status}}', containerOf(service));
  }

  #compose(...words: readonly string[]): Promise<string> {
    const profile = this.#brokers === 'three' ? ['--profile', 'three-brokers'] : [];
    return this.#docker('compose', '--project-name', PROJECT, ...profile, ...words);
  }

  async #docker(...words: readonly string[]): Promise<string> {
    const { status, output } = await run('docker', words, this.#environment);
    if (status !== 0) throw new Error(`docker ${words.join(' ')} ended with ${status}:\n${output}`);
    return output.trim();
  }
}

function containerOf(service: Service): string {
  return `${PROJECT}-${service}-1`;
}

type Ended = { readonly status: number | undefined; readonly output: string };

/** Runs a command in the checkout, and resolves with its end. */
export function run(
  command: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ended> {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, words, {
      cwd: CHECKOUT,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_TIMEOUT_MS,
    });
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ status: undefined, output: error.message }));
    child.on('close', (status) => resolve({ status: status ?? undefined, output }));
  });
}
