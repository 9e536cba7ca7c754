// The files of the test brokers: jars by Maven, a formatted data directory to copy, and a class archive that halves the start.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ChildServer } from './child-server.ts';
import { classPath, fetchJars, isJavaThere } from './java.ts';
import { ask, CACHE_DIRECTORY, freePort, temporaryDirectory } from './places.ts';

const VERSION = '4.1.1';
const HOME = join(CACHE_DIRECTORY, `kafka-${VERSION}`);
const LIBRARIES = join(HOME, 'lib');
const FORMATTED = join(HOME, 'formatted');
const ARCHIVE = join(HOME, 'classes.jsa');
const LOGGING = join(HOME, 'log4j2.properties');
/** Written last: what is installed is whole. */
const COMPLETE = join(HOME, 'complete');
const CLUSTER_ID = '4L6g3nShT-eMCtK--X86sw';

export function isKafkaInstalled(): boolean {
  return isJavaThere() && existsSync(COMPLETE);
}

/** Fetches the jars, formats a data directory and writes the class archive. Rejects with a sentence when java or mvn is missing. */
export async function installKafka(): Promise<void> {
  fetchJars(resolve(import.meta.dirname, 'kafka/pom.xml'), LIBRARIES);
  writeFileSync(
    LOGGING,
    'status=error\nappender.out.type=Console\nappender.out.name=OUT\nappender.out.layout.type=PatternLayout\n' +
      'appender.out.layout.pattern=%d %p %c{1}: %m%n\nrootLogger.level=WARN\nrootLogger.appenderRef.out.ref=OUT\n',
  );
  await formatAndArchive();
  writeFileSync(COMPLETE, `${VERSION}\n`);
}

/** Command-line arguments of `java` that run a broker with this configuration file. */
export function brokerArguments(configuration: string): string[] {
  const archive = existsSync(ARCHIVE) ? [`-XX:SharedArchiveFile=${ARCHIVE}`] : [];
  return [...javaArguments(), ...archive, 'kafka.Kafka', configuration];
}

/** Makes `directory` the formatted, empty data directory of the broker `id`. */
export function formatBroker(directory: string, id: number): void {
  cpSync(FORMATTED, directory, { recursive: true });
  const directoryId = Buffer.from(crypto.randomUUID().replaceAll('-', '').slice(0, 32), 'hex').toString('base64url');
  writeFileSync(
    join(directory, 'meta.properties'),
    `version=1\ncluster.id=${CLUSTER_ID}\nnode.id=${id}\ndirectory.id=${directoryId.replace(/^-/, 'A')}\n`,
  );
}

/** The configuration of one broker that is also a controller. */
export function brokerConfiguration(o: {
  id: number;
  port: number;
  controllerPort: number;
  voters: string;
  directory: string;
  replicas: number;
  secure?: SecureListeners | undefined;
  /** Further listeners, each with the port that clients are told to come to. */
  ways?: readonly { readonly name: string; readonly port: number; readonly advertised: number }[];
}): string {
  const ways = o.ways ?? [];
  const minInSync = Math.max(1, o.replicas - 1);
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': o.id,
    'controller.quorum.voters': o.voters,
    listeners: [
      `PLAINTEXT://127.0.0.1:${o.port},CONTROLLER://127.0.0.1:${o.controllerPort}`,
      ...ways.map(({ name, port }) => `${name}://127.0.0.1:${port}`),
    ].join(),
    'advertised.listeners': [
      `PLAINTEXT://127.0.0.1:${o.port}`,
      ...ways.map(({ name, advertised }) => `${name}://127.0.0.1:${advertised}`),
    ].join(),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': ['CONTROLLER', 'PLAINTEXT', ...ways.map(({ name }) => name)]
      .map((name) => `${name}:PLAINTEXT`)
      .join(),
    'log.dirs': o.directory,
    'offsets.topic.replication.factor': o.replicas,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': o.replicas,
    'transaction.state.log.min.isr': minInSync,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': o.replicas,
    'share.coordinator.state.topic.min.isr': minInSync,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': 'false',
    // The defaults (9 s, 2 s) make every killed broker a long outage; the compose file sets these two as well.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.enable': 'false',
    // So that what is trimmed leaves the disk soon.
    'log.segment.bytes': 64 * 1024 * 1024,
    'log.retention.check.interval.ms': 15_000,
    'log.segment.delete.delay.ms': 5_000,
    ...(o.secure === undefined ? {} : secureSettings(o.port, o.controllerPort, o.secure)),
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Further listeners that ask for a name and a password, one of them over TLS, which asks for a certificate too. */
export type SecureListeners = {
  readonly saslPort: number;
  readonly saslTlsPort: number;
  readonly username: string;
  readonly password: string;
  /** Key and certificate of the broker, and what clients' certificates are signed with, as PEM. */
  readonly keyAndCertificate: string;
  readonly authorities: string;
};

function secureSettings(port: number, controllerPort: number, o: SecureListeners): Record<string, string> {
  const open = { PLAINTEXT: port, SASL_PLAINTEXT: o.saslPort, SASL_SSL: o.saslTlsPort };
  const listeners = Object.entries(open).map(([name, at]) => `${name}://127.0.0.1:${at}`);
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${o.username}="${o.password}";`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const logins = ['sasl_plaintext', 'sasl_ssl'].flatMap((name) => [
    [`listener.name.${name}.plain.sasl.jaas.config`, plain],
    [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, scram],
    [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, scram],
  ]);
  return {
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${controllerPort}`].join(),
    'advertised.listeners': listeners.join(),
    'listener.security.protocol.map': [
      'CONTROLLER:PLAINTEXT',
      ...Object.keys(open).map((name) => `${name}:${name}`),
    ].join(),
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...Object.fromEntries(logins),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': o.keyAndCertificate,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': o.authorities,
    'listener.name.sasl_ssl.ssl.client.auth': 'required',
    // Sessions end while tests run, so clients must say again who they are.
    'connections.max.reauth.ms': '12000',
  };
}

/** Gives a user its password for SCRAM, as an administrator does; `broker` asks nobody who he is. */
export function addScramUser(broker: string, username: string, password: string): void {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    const change = ['--alter', '--add-config', `${mechanism}=[password=${password}]`];
    const whom = ['--entity-type', 'users', '--entity-name', username];
    const words = ['kafka.admin.ConfigCommand', '--bootstrap-server', broker, ...change, ...whom];
    const result = spawnSync('java', [...javaArguments(), ...words], { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`Kafka took no password: ${result.stdout}${result.stderr}`);
  }
}

function javaArguments(): string[] {
  return [
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    `-Dlog4j2.configurationFile=${LOGGING}`,
    '-cp',
    classPath(LIBRARIES),
  ];
}

/** Runs one broker through its whole life, which leaves a formatted directory and the archive of the classes it loaded. */
async function formatAndArchive(): Promise<void> {
  const directory = temporaryDirectory('kafka-install');
  try {
    const [port, controllerPort] = [await freePort(), await freePort()];
    const configuration = join(directory, 'server.properties');
    const data = join(directory, 'data');
    const voters = `1@127.0.0.1:${controllerPort}`;
    writeFileSync(
      configuration,
      brokerConfiguration({ id: 1, port, controllerPort, voters, directory: data, replicas: 1 }),
    );
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', configuration];
    const formatted = spawnSync('java', [...javaArguments(), ...format], { encoding: 'utf8' });
    if (formatted.status !== 0) throw new Error(`Kafka could not format: ${formatted.stdout}${formatted.stderr}`);
    rmSync(FORMATTED, { recursive: true, force: true });
    cpSync(data, FORMATTED, { recursive: true });
    const broker = new ChildServer({
      name: 'the broker that writes the class archive',
      command: 'java',
      args: [`-XX:ArchiveClassesAtExit=${ARCHIVE}`, ...javaArguments(), 'kafka.Kafka', configuration],
      directory,
      isReady: () => listsBrokers(port, 1),
      readyTimeoutMs: 60_000,
    });
    await broker.start();
    await broker.stop(60_000);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether the broker at `port` answers a Metadata request (version 1, no topics) with at least `count` brokers. */
export function listsBrokers(port: number, count: number): Promise<boolean> {
  const request = Buffer.alloc(18);
  request.writeInt32BE(14, 0); // length of what follows
  request.writeInt16BE(3, 4); // Metadata
  request.writeInt16BE(1, 6); // version
  request.writeInt32BE(7, 8); // correlation id
  request.writeInt16BE(-1, 12); // no client id
  request.writeInt32BE(0, 14); // no topics
  return ask(port, request, (answer) => answer.length >= 12 && answer.readInt32BE(8) >= count);
}
