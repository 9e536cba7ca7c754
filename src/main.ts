// One node, from start to stop: settings, logger, log, node, HTTP server, and the signals that end it.
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EXIT, type ExitCode, FatalError, messageOf } from './base/errors.ts';
import { STATE_LIMITS } from './base/limits.ts';
import { createLogger, type Logger } from './base/logger.ts';
import { systemWorld } from './base/system-world.ts';
import { programVersion } from './base/version.ts';
import { closeCaches, type ServedCaches, serveCaches } from './cache/server/served-caches.ts';
import type { StateLimits } from './core/commands/command.ts';
import { FEATURE_LEVEL } from './core/commands/table.ts';
import { requireFirstToken } from './http/first-token.ts';
import { hostNameOf } from './http/hosts.ts';
import { type HttpServer, startHttpServer } from './http/server.ts';
import { receiveBackup } from './log/backup-file.ts';
import type { CommitLog } from './log/commit-log.ts';
import { openEmbeddedLog } from './log/embedded-log.ts';
import { openFileSnapshots } from './log/file-snapshots.ts';
import { createMemoryLogStore } from './log/memory-log.ts';
import { createMemorySnapshots } from './log/memory-snapshots.ts';
import type { SnapshotStore } from './log/snapshot-store.ts';
import { fileIdentity } from './node/identity-file.ts';
import { type ChorusNode, createNode } from './node/node.ts';
import { readFlags, readSettings, type Settings } from './settings.ts';
import { helpText } from './settings-help.ts';
import { limitsOf, tlsOf } from './settings-http.ts';

type Running = { readonly node: ChorusNode; readonly caches: ServedCaches; readonly server: HttpServer };
/** Why the process ends, and whether a balancer is given the time to notice. */
type Ending = { readonly reason: string; readonly isHurried: boolean };

process.on('uncaughtException', (error) => fail(error));
main().catch((error: unknown) => fail(error));

async function main(): Promise<void> {
  keepCompiled();
  const flags = readFlags('node', process.argv.slice(2));
  if (flags.wants === 'help') return print(helpText('node'));
  if (flags.wants === 'version') return print(programVersion());
  const settings = await readSettings({
    program: 'node',
    flags,
    environment: process.env,
    directory: process.cwd(),
    hostName: hostname(),
  });
  const logger = createLogger(settings.logLevel, { node: settings.nodeId });
  const ending = askedToEnd();
  const running = await Promise.race([start(settings, logger), ending.then(() => undefined)]);
  logger.info({ address: settings.http.address, log: settings.log.kind }, 'started');
  const { reason, isHurried } = await ending;
  logger.info({ reason }, 'began to stop');
  if (running !== undefined) await stop(running, settings, isHurried ? 0 : settings.drainDelay);
  logger.info('stopped');
  process.exit(EXIT.stopped);
}

async function start(settings: Settings, logger: Logger): Promise<Running> {
  const { host, port, address, allowedHosts, defaultConsistency, conditionalPrefixes } = settings.http;
  const limits = stateLimits(settings);
  const { auth } = settings;
  const adminDigest = adminDigestOf(settings);
  const ownDir = join(settings.dataDir, settings.nodeId);
  const { log, store } = await openStorage(settings, logger);
  const node = createNode({
    nodeId: settings.nodeId,
    address,
    pid: process.pid,
    version: programVersion(),
    log,
    snapshots: { ...settings.snapshots, store },
    world: systemWorld,
    logger,
    limits,
    identity: fileIdentity(ownDir),
    receiveBackup: (bytes) => receiveBackup(ownDir, bytes),
    onFatal: fail,
  });
  const caches = serveCaches(settings.caches, node.caches, systemWorld);
  // Before the node starts, so that /livez and the progress in /readyz are there while it replays.
  const server = await startHttpServer({
    node,
    caches,
    host,
    port,
    auth,
    adminDigest,
    tls: tlsOf(settings),
    logger,
    defaultConsistency,
    conditionalPrefixes,
    limits: { ...limitsOf(settings), maxValueBytes: limits.maxValueBytes },
    allowedHosts: allowedHosts.includes('*') ? 'any' : [...allowedHosts, ...ownNames(settings)],
    onBroken: fail,
  }).catch((error: unknown) => {
    throw notListening(error, host, port);
  });
  await node.start();
  requireFirstToken({ node, auth, adminDigest }, systemWorld.clock).catch(fail);
  return { node, caches, server };
}

/** Refuses what comes new at once; what is in flight finishes, in `shutdownTimeout` at most. Connections close after `drainMs`. */
async function stop({ node, caches, server }: Running, settings: Settings, drainMs: number): Promise<void> {
  const { clock } = systemWorld;
  const cachesClosed = closeCaches(caches);
  const nodeStopped = node.stop(settings.shutdownTimeout);
  await new Promise<void>((resolve) => clock.after(drainMs, resolve));
  const everythingStopped = Promise.all([nodeStopped, server.close(settings.shutdownTimeout), cachesClosed]);
  await Promise.race([
    everythingStopped,
    new Promise<void>((resolve) => clock.after(settings.shutdownTimeout, resolve)),
  ]);
}

type Storage = { readonly log: CommitLog; readonly store: SnapshotStore };

async function openStorage({ log, dataDir, nodeId, startTimeout }: Settings, logger: Logger): Promise<Storage> {
  switch (log.kind) {
    case 'embedded':
      return {
        log: await openEmbeddedLog({ dir: join(dataDir, 'log') }),
        store: await openFileSnapshots({ dir: dataDir, node: nodeId }),
      };
    case 'kafka': {
      // Only where they are wanted: loading kafkajs takes a good part of a node's start.
      const { openKafkaLog } = await import('./log/kafka-log.ts');
      const { readKafkaSecurity } = await import('./log/kafka-security.ts');
      const { openKafkaSnapshots } = await import('./log/kafka-snapshots.ts');
      keepCompiled();
      const { brokers, topic } = log.kafka;
      const security = readKafkaSecurity(log.kafka);
      const options = { brokers, topic, security, logger, startTimeoutMs: startTimeout };
      const [opened, store] = await Promise.all([openKafkaLog(options), openKafkaSnapshots(options)]);
      return { log: opened, store };
    }
    case 'memory':
      return {
        log: createMemoryLogStore({ clock: systemWorld.clock }).open(),
        store: createMemorySnapshots().open(),
      };
  }
}

/** What was loaded so far, where there is a cache for it (NODE_COMPILE_CACHE): a process that is killed later would leave nothing in it. */
function keepCompiled(): void {
  flushCompileCache();
}

/** Undefined: this node has no administrator of its own. */
function adminDigestOf({ adminTokenSha256 }: Settings): Uint8Array | undefined {
  return adminTokenSha256 === '' ? undefined : Buffer.from(adminTokenSha256, 'hex');
}

function stateLimits({ limits }: Settings): StateLimits {
  return {
    maxValueBytes: limits.maxValueBytes,
    maxKeys: limits.maxKeys,
    maxMemoryBytes: limits.maxMemory,
    maxOutcomes: limits.maxOutcomes,
    outcomeWindowMs: STATE_LIMITS.outcomeWindowMs,
    featureLevel: FEATURE_LEVEL,
    eviction: limits.eviction,
  };
}

/** Resolves at the first SIGTERM or SIGINT, or when the process that started this one over a channel is gone. */
function askedToEnd(): Promise<Ending> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve({ reason: 'SIGTERM', isHurried: false }));
    process.on('SIGINT', () => resolve({ reason: 'SIGINT', isHurried: false }));
    process.on('disconnect', () => resolve({ reason: 'the supervisor is gone', isHurried: true }));
  });
}

/** Those that this node is known by without being told. */
function ownNames({ http }: Settings): string[] {
  return [http.host, hostname(), hostNameOf(http.address) ?? ''];
}

function notListening(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return error;
  const what = code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be listened on (${messageOf(error)})`;
  return new FatalError(EXIT.badConfiguration, `http.port: ${host}:${port} ${what}. Choose another with --port.`, {
    cause: error,
  });
}

function print(text: string): void {
  process.stdout.write(`${text.trimEnd()}\n`);
}

/** Ends the process at once: a sentence for what an operator can mend, the stack for a mistake of ours. */
function fail(error: unknown): never {
  const isForOperator = error instanceof FatalError;
  const code: ExitCode = isForOperator ? error.exitCode : EXIT.brokenAssertion;
  const text = isForOperator || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
  process.stderr.write(`chorus: ${text}\n`);
  process.exit(code);
}
