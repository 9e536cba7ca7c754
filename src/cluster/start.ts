// `npm start`: a cluster on this machine, started, said, watched over, and stopped in order.
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EXIT, type ExitCode, FatalError, messageOf } from '../base/errors.ts';
import { JSON_LIMITS } from '../base/limits.ts';
import { createLogger } from '../base/logger.ts';
import { SUPERVISOR_LIMITS } from '../base/start-limits.ts';
import { systemWorld } from '../base/system-world.ts';
import { programVersion } from '../base/version.ts';
import { openBindingWarning } from '../http/hosts.ts';
import { type Flags, readFlags, readSettings, type Settings } from '../settings.ts';
import { helpText } from '../settings-help.ts';
import { limitsOf, tlsOf } from '../settings-http.ts';
import { GATEWAY_NAME } from './front.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { greeting, progressLine } from './greeting.ts';
import type { NodeEnd, NodePlan } from './node-process.ts';
import { type NodeReach, reachNodes } from './node-reach.ts';
import { describeEnd, Supervisor } from './supervisor.ts';

/** How the nodes are. */
type Life = { readonly ready: Set<string>; readonly hopeless: Set<string>; isUp: boolean; isStopping: boolean };

const { clock } = systemWorld;

process.on('uncaughtException', (error) => fail(error));
// A terminal that is closed takes no more words; the nodes are still to be stopped in order.
process.stdout.on('error', () => {});
main().catch((error: unknown) => fail(error));

async function main(): Promise<void> {
  const flags = readFlags('cluster', process.argv.slice(2));
  if (flags.wants === 'help') return say(helpText('cluster'));
  if (flags.wants === 'version') return say(programVersion());
  const settings = await readSettings({
    program: 'cluster',
    flags,
    environment: process.env,
    directory: process.cwd(),
    hostName: hostname(),
  });
  const reach = reachNodes(tlsOf(settings));
  const plans = planNodes(settings, flags, reach);
  await checkPorts(settings, plans);
  const warning = openBindingWarning(settings.http.host, settings.auth);
  if (warning !== undefined) say(warning);

  const life: Life = { ready: new Set(), hopeless: new Set(), isUp: false, isStopping: false };
  const supervisor = createSupervisor(settings, plans, life, reach);
  const gateway = await openGateway(settings, plans, reach, (id, isReady) => {
    if (isReady) life.ready.add(id);
    else life.ready.delete(id);
    supervisor.noteReadiness(id, isReady);
  });
  stopWhenAsked(gateway, supervisor, settings, life);
  say(`Starting ${plans.length === 1 ? 'one node' : `${plans.length} nodes`} …`);
  supervisor.start();
  await untilUp(plans, life, reach);
  if (life.isStopping) return;
  say(greeting({ settings, plans, ready: life.ready, pidOf: (id) => supervisor.pidOf(id) }));
}

/** Each node: its id, its port, its address, and all flags that were given to the cluster and are not its own. */
function planNodes({ http, dataDir, cluster }: Settings, flags: Flags, { scheme }: NodeReach): NodePlan[] {
  const own = new Set(['port', 'nodes', 'gateway-port']);
  const shared = [...flags.values].flatMap(([flag, value]) => (own.has(flag) ? [] : [`--${flag}=${value}`]));
  return Array.from({ length: cluster.nodes }, (_, at) => {
    const id = `node-${at + 1}`;
    const place = `${reachable(http.host)}:${http.port + at}`;
    return {
      id,
      origin: `${scheme}://${place}`,
      flags: [...shared, `--node-id=${id}`, `--port=${http.port + at}`, `--address=${place}`],
      logPath: join(dataDir, id, 'node.log'),
    };
  });
}

/** The address at which this machine reaches what listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** Throws FatalError when a port is taken; waits a moment first, for nodes of a killed supervisor may be about to end. */
async function checkPorts({ http }: Settings, plans: readonly NodePlan[]): Promise<void> {
  const deadlineMs = clock.monotonicMs() + SUPERVISOR_LIMITS.portPatienceMs;
  for (const [at, { id }] of plans.entries()) {
    for (;;) {
      const error = await listenError(http.host, http.port + at);
      if (error === undefined) break;
      if (error.code !== 'EADDRINUSE' || clock.monotonicMs() > deadlineMs) {
        throw notListening(`http.port: ${id} needs`, http.host, http.port + at, '--port', error);
      }
      await new Promise<void>((resolve) => clock.after(SUPERVISOR_LIMITS.portPollMs, resolve));
    }
  }
}

function listenError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', resolve);
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}

function notListening(who: string, host: string, port: number, flag: string, error: unknown): FatalError {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  const what = isTaken ? 'which another process uses' : `which cannot be listened on (${messageOf(error)})`;
  return new FatalError(
    EXIT.badConfiguration,
    `${who} ${host}:${port}, ${what}. Is the cluster running already? Choose another port with ${flag}.`,
    { cause: error },
  );
}

function openGateway(
  settings: Settings,
  plans: readonly NodePlan[],
  reach: NodeReach,
  onReadiness: (id: string, isReady: boolean) => void,
): Promise<Gateway> {
  const { http, cluster, limits, logLevel } = settings;
  const { host, defaultConsistency } = http;
  return startGateway({
    host,
    port: cluster.gatewayPort,
    nodes: plans,
    maxBodyBytes: Math.max(limits.maxValueBytes, JSON_LIMITS.maxBodyBytes),
    defaultConsistency,
    world: systemWorld,
    logger: createLogger(logLevel, { node: GATEWAY_NAME }),
    reach,
    limits: limitsOf(settings),
    tls: tlsOf(settings),
    onReadiness,
  }).catch((error: unknown) => {
    throw notListening('cluster.gatewayPort: the gateway needs', host, cluster.gatewayPort, '--gateway-port', error);
  });
}

function createSupervisor(
  settings: Settings,
  plans: readonly NodePlan[],
  life: Life,
  { dispatcher }: NodeReach,
): Supervisor {
  const { startTimeout, shutdownTimeout, drainDelay } = settings;
  const supervisor = new Supervisor({
    plans,
    world: systemWorld,
    dispatcher,
    startTimeoutMs: startTimeout + SUPERVISOR_LIMITS.stopGraceMs,
    stopTimeoutMs: drainDelay + shutdownTimeout + SUPERVISOR_LIMITS.stopGraceMs,
    report: (line) => say(`${new Date(clock.wallMs()).toISOString().slice(11, 19)}  ${line}`),
    onHopeless(plan, end) {
      life.hopeless.add(plan.id);
      const said = `${plan.id} ${describeEnd(end)}; it is not started again`;
      // A start with a wrong setting is no start; of damaged data one node may be the only one that has any.
      const isFailedStart = !life.isUp && end.code === EXIT.badConfiguration;
      if (!isFailedStart && life.hopeless.size < plans.length) return say(`${said}. The others go on.`);
      void supervisor.stop().then(() => fail(new FatalError(exitCodeOf(end), said)));
    },
  });
  return supervisor;
}

function exitCodeOf({ code }: NodeEnd): ExitCode {
  return Object.values(EXIT).find((known) => known === code) ?? EXIT.brokenAssertion;
}

/** Resolves when all nodes are ready, or one is and the others take long; says meanwhile, ever less often, how far they are. */
async function untilUp(plans: readonly NodePlan[], life: Life, { dispatcher }: NodeReach): Promise<void> {
  const { startPatienceMs, startPollMs, startSayMs } = SUPERVISOR_LIMITS;
  const beganMs = clock.monotonicMs();
  let sayAfterMs: number = startSayMs;
  while (!life.isStopping && (life.ready.size === 0 || life.ready.size + life.hopeless.size < plans.length)) {
    const passedMs = clock.monotonicMs() - beganMs;
    if (life.ready.size > 0 && passedMs > startPatienceMs) break;
    if (passedMs > sayAfterMs) {
      sayAfterMs *= 2;
      const line = await progressLine(
        plans.filter(({ id }) => !life.ready.has(id) && !life.hopeless.has(id)),
        dispatcher,
      );
      if (!life.isStopping) say(line);
    }
    await new Promise<void>((resolve) => clock.after(startPollMs, resolve));
  }
  life.isUp = true;
}

/** First the gateway, which finishes what it has; then the nodes; then this process. Asked a second time it kills. */
function stopWhenAsked(gateway: Gateway, supervisor: Supervisor, { shutdownTimeout }: Settings, life: Life): void {
  let askedAtMs: number | undefined;
  const stop = async () => {
    const now = clock.monotonicMs();
    // npm passes on the Ctrl-C that the terminal has already sent here: two at once are one.
    if (askedAtMs !== undefined && now - askedAtMs < SUPERVISOR_LIMITS.secondSignalMs) return;
    if (askedAtMs !== undefined) supervisor.kill();
    if (askedAtMs !== undefined) return;
    askedAtMs = now;
    life.isStopping = true;
    say('Stopping …');
    await gateway.close(shutdownTimeout);
    await supervisor.stop();
    say('Stopped.');
    process.exit(EXIT.stopped);
  };
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) process.on(event, () => void stop());
  if (process.env.npm_lifecycle_event !== undefined) whenOrphaned(() => void stop());
}

/** npm's shell takes a SIGTERM for itself and passes none on; that it is gone shows in the parent's number. */
function whenOrphaned(task: () => void): void {
  const parent = process.ppid;
  const look = () => {
    if (process.ppid !== parent) task();
    else clock.after(SUPERVISOR_LIMITS.tickMs, look);
  };
  look();
}

function say(text: string): void {
  process.stdout.write(`${text.trimEnd()}\n`);
}

function fail(error: unknown): never {
  const isForOperator = error instanceof FatalError;
  const text = isForOperator || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
  process.stderr.write(`chorus: ${text}\n`);
  process.exit(isForOperator ? error.exitCode : EXIT.brokenAssertion);
}
