// A real RabbitMQ for tests: one broker with a port mapper of its own, all its files under its own temporary directory.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerControls, startAlone } from './child-server.ts';
import { ask, freePort, temporaryDirectory } from './places.ts';

export type Rabbitmq = ServerControls & { readonly port: number; readonly url: string };

/** Durable queues and confirmed messages survive kill -9. Takes some 10 s to start: share one per test file. */
export async function startRabbitmq(): Promise<Rabbitmq> {
  const port = await freePort();
  const mapperPort = await freePort();
  const directory = temporaryDirectory('rabbitmq');
  const environment = { ...placeOf(directory), ...portsOf(port, mapperPort, await freePort()) };
  writeFileSync(environment.RABBITMQ_CONFIG_FILE, configuration(port));
  writeFileSync(environment.RABBITMQ_ENABLED_PLUGINS_FILE, '[].\n');
  writeFileSync(join(directory, '.erlang.cookie'), 'chorus-tests', { mode: 0o400 });
  mkdirSync(environment.RABBITMQ_MNESIA_BASE);
  const mapper = `setpriv --pdeathsig KILL epmd -port ${mapperPort} -address 127.0.0.1`;
  const controls = await startAlone({
    name: 'RabbitMQ',
    command: 'sh',
    args: ['-c', `${mapper} & exec /usr/lib/rabbitmq/bin/rabbitmq-server`],
    environment,
    directory,
    isReady: () => ask(port, PROTOCOL_HEADER, (answer) => answer.subarray(0, 3).equals(METHOD_ON_CHANNEL_0)),
    readyTimeoutMs: 120_000,
  });
  return { port, url: `amqp://guest:guest@127.0.0.1:${port}`, ...controls };
}

/** Asks for AMQP 0-9-1; the broker answers with the method frame Connection.Start. */
const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const METHOD_ON_CHANNEL_0 = Buffer.from([1, 0, 0]);

function placeOf(directory: string) {
  return {
    HOME: directory,
    RABBITMQ_ALLOW_INPUT: '1', // without it the start script would stand between us and the broker,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput', // and with it alone the broker would end with its input
    RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: join(directory, 'none'),
    RABBITMQ_PID_FILE: join(directory, 'pid'),
  };
}

function portsOf(port: number, mapperPort: number, distributionPort: number) {
  return {
    RABBITMQ_NODENAME: `chorus${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
}

function configuration(port: number): string {
  return `listeners.tcp.1 = 127.0.0.1:${port}
loopback_users = none
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
log.console = true
log.file = false
`;
}
