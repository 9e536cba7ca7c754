// Real Kafka brokers for tests: one or three on free ports of 127.0.0.1, each of which can be killed, stopped, paused and started again.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildServer } from './child-server.ts';
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
  /** kill -9. */
  kill(index: number): Promise<void>;
  /** SIGTERM: leaderships are handed over first. */
  stop(index: number): Promise<void>;
  /** Starts it again on the same port and data; resolves when it answers and knows itself alive. */
  start(index: number): Promise<void>;
  pause(index: number): Promise<void>;
  resume(index: number): void;
  /** Ends everything and removes the data. */
  close(): Promise<void>;
};

/** Starts a fresh cluster; resolves when every broker lists all brokers. */
export async function startKafka(options: {
  readonly brokers: 1 | 3;
  /** Further listeners of a single broker. */
  readonly secure?: SecureListeners;
}): Promise<Kafka> {
  const directory = temporaryDirectory('kafka');
  const nodes: { port: number; controllerPort: number }[] = [];
  for (let i = 0; i < options.brokers; i += 1) {
    nodes.push({ port: await freePort(), controllerPort: await freePort() });
  }
  const voters = nodes.map((node, i) => `${i + 1}@127.0.0.1:${node.controllerPort}`).join(',');
  const servers = nodes.map((node, i) => {
    const own = join(directory, `broker-${i + 1}`);
    mkdirSync(own);
    formatBroker(join(own, 'data'), i + 1);
    const configuration = join(own, 'server.properties');
    const data = join(own, 'data');
    const replicas = options.brokers;
    writeFileSync(
      configuration,
      brokerConfiguration({ id: i + 1, ...node, voters, directory: data, replicas, secure: options.secure }),
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
    kill: (index) => server(index).kill(),
    stop: (index) => server(index).stop(30_000),
    start: (index) => server(index).start(),
    pause: (index) => server(index).pause(),
    resume: (index) => server(index).resume(),
    close,
  };
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > deadline) throw new Error('the brokers did not find each other');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
