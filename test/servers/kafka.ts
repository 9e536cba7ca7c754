// Real Kafka brokers for tests: one or three on free ports of 127.0.0.1, each of which can be killed, stopped, paused and started again.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildServer } from './child-server.ts';
import { type FaultyWay, startFaultyWay } from './faulty-way.ts';
import {
  brokerArguments,
  brokerConfiguration,
  formatBroker,
  listsBrokers,
  type SecureListeners,
} from './kafka-files.ts';
import { freePort, temporaryDirectory } from './places.ts';

const READY_TIMEOUT_MS = 60_000;

/** Brokers are named by their index, 0 to n − 1; Kafka's own id is one more. */
export type Kafka = {
  /** The bootstrap list: `host:port,…`. */
  readonly brokers: string;
  readonly count: number;
  /** For each of `options.ways` the ways to all brokers, in their order. */
  readonly ways: readonly (readonly FaultyWay[])[];
  pid(index: number): number | undefined;
  isRunning(index: number): boolean;
  /** The end of what the broker wrote. */
  output(index: number): string;
  /** kill -9. */
  kill(index: number): Promise<void>;
  /** SIGTERM: leaderships are handed over first. */
  stop(index: number): Promise<void>;
  /** Starts it again on the same port and data; resolves when it answers and knows itself alive. */
  start(index: number, variables?: Readonly<Record<string, string>>): Promise<void>;
  pause(index: number): Promise<void>;
  resume(index: number): void;
  /** Ends everything and removes the data. */
  close(): Promise<void>;
};

export type KafkaOptions = {
  readonly brokers: 1 | 3;
  /** Further listeners of a single broker. */
  readonly secure?: SecureListeners;
  /** As many ways of their own to every broker can be made faulty: whoever comes by one is told of the brokers by the same. */
  readonly ways?: number;
  /** Called with each broker's empty folder, before anything is written there; what it answers, before the folder is removed. */
  prepare?(index: number, directory: string): (() => void) | undefined;
};

/** Starts a fresh cluster; resolves when every broker lists all brokers. */
export async function startKafka(options: KafkaOptions): Promise<Kafka> {
  const directory = temporaryDirectory('kafka');
  const { listeners, ways } = await openWays(options);
  const undoings: (() => void)[] = [];
  const nodes: { port: number; controllerPort: number }[] = [];
  for (let i = 0; i < options.brokers; i += 1) {
    nodes.push({ port: await freePort(), controllerPort: await freePort() });
  }
  const voters = nodes.map((node, i) => `${i + 1}@127.0.0.1:${node.controllerPort}`).join(',');
  const servers = nodes.map((node, i) => {
    const own = join(directory, `broker-${i + 1}`);
    mkdirSync(own);
    const undo = options.prepare?.(i, own);
    if (undo !== undefined) undoings.push(undo);
    formatBroker(join(own, 'data'), i + 1);
    const configuration = join(own, 'server.properties');
    const data = join(own, 'data');
    const replicas = options.brokers;
    writeFileSync(
      configuration,
      brokerConfiguration({
        ...{ id: i + 1, ...node, voters, directory: data, replicas },
        secure: options.secure,
        ways: listeners[i] ?? [],
      }),
    );
    return new ChildServer({
      name: `Kafka broker ${i + 1}`,
      command: 'java',
      args: brokerArguments(configuration),
      directory: own,
      isReady: () => listsBrokers(node.port, 1),
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
  });
  const server = (index: number): ChildServer => {
    const found = servers[index];
    if (found === undefined) throw new Error(`there is no broker ${index}`);
    return found;
  };
  const close = async () => {
    await Promise.all(servers.map((one) => one.kill()));
    for (const way of ways.flat()) way.close();
    for (const undo of undoings) undo();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(servers.map((one) => one.start()));
    for (const node of nodes) await until(() => listsBrokers(node.port, options.brokers));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    brokers: nodes.map((node) => `127.0.0.1:${node.port}`).join(','),
    count: options.brokers,
    ways,
    pid: (index) => server(index).pid,
    isRunning: (index) => server(index).isRunning,
    output: (index) => server(index).output,
    kill: (index) => server(index).kill(),
    stop: (index) => server(index).stop(30_000),
    start: (index, variables) => server(index).start(variables),
    pause: (index) => server(index).pause(),
    resume: (index) => server(index).resume(),
    close,
  };
}

/** By broker its further listeners; by way the ways to all brokers. */
async function openWays({ brokers, ways: count = 0 }: KafkaOptions) {
  const listeners = Array.from({ length: brokers }, () => [] as { name: string; port: number; advertised: number }[]);
  const ways: FaultyWay[][] = [];
  for (let n = 0; n < count; n++) {
    const own: FaultyWay[] = [];
    for (const ofBroker of listeners) {
      const port = await freePort();
      const way = await startFaultyWay(port);
      own.push(way);
      ofBroker.push({ name: `WAY${n + 1}`, port, advertised: way.port });
    }
    ways.push(own);
  }
  return { listeners, ways };
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > deadline) throw new Error('the brokers did not find each other');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
