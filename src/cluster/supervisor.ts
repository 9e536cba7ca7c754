// Keeps the nodes of `npm start` alive: starts the dead again, kills and restarts the silent, stops all in order.
import type { ChildProcess } from 'node:child_process';
import { type Dispatcher, request } from 'undici';
import { EXIT } from '../base/errors.ts';
import { SUPERVISOR_LIMITS } from '../base/start-limits.ts';
import type { Cancel, World } from '../base/world.ts';
import { type NodeEnd, type NodePlan, startNodeProcess } from './node-process.ts';

export type SupervisorOptions = {
  readonly plans: readonly NodePlan[];
  readonly world: World;
  /** By which nodes are asked. */
  readonly dispatcher: Dispatcher;
  /** A node may be silent for so long before it has answered for the first time. */
  readonly startTimeoutMs: number;
  /** A node told to stop is killed after this. */
  readonly stopTimeoutMs: number;
  /** A line for the terminal. */
  report(line: string): void;
  /** A node has ended with an exit code that a restart would only repeat. */
  onHopeless(node: NodePlan, end: NodeEnd): void;
};

/** Ends that a restart would only repeat (base/errors.ts). */
const HOPELESS: ReadonlySet<number | null> = new Set([EXIT.badConfiguration, EXIT.brokenAssertion, EXIT.damagedData]);

type Ward = {
  readonly plan: NodePlan;
  child: ChildProcess | undefined;
  startedAtMs: number;
  readyAtMs: number | undefined;
  /** Ends in a row without a steady time between them. */
  failures: number;
  hasAnswered: boolean;
  probesMissed: number;
  restart: Cancel | undefined;
};

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #wards: readonly Ward[];
  #cancelTick: Cancel = () => {};
  #tickedAtMs = 0;
  /** Raised when this process stood still: answers to older probes say nothing. */
  #era = 0;
  #healing: { readonly ward: Ward; readonly untilMs: number } | undefined;
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#wards = options.plans.map((plan) => ({
      plan,
      child: undefined,
      startedAtMs: 0,
      readyAtMs: undefined,
      failures: 0,
      hasAnswered: false,
      probesMissed: 0,
      restart: undefined,
    }));
  }

  start(): void {
    for (const ward of this.#wards) this.#startNode(ward);
    this.#tickedAtMs = this.#now();
    this.#tickLater();
  }

  /** The process id of a node that runs. */
  pidOf(id: string): number | undefined {
    return this.#wards.find((ward) => ward.plan.id === id)?.child?.pid;
  }

  /** To be told of every change: what is ready has healed. */
  noteReadiness(id: string, isReady: boolean): void {
    const ward = this.#wards.find((candidate) => candidate.plan.id === id);
    if (ward === undefined || !isReady) return;
    ward.hasAnswered = true;
    if (this.#healing?.ward === ward) this.#healing = undefined;
    if (ward.readyAtMs !== undefined) return;
    ward.readyAtMs = this.#now();
    const seconds = ((ward.readyAtMs - ward.startedAtMs) / 1000).toFixed(1);
    if (ward.failures > 0) this.#options.report(`${id} is ready again, ${seconds} s after its start`);
  }

  /** SIGTERM to all; what has not ended in time is killed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelTick();
    for (const ward of this.#wards) ward.restart?.();
    const children = this.#wards.flatMap(({ child }) => (child === undefined ? [] : [child]));
    await Promise.all(children.map((child) => this.#stopChild(child)));
  }

  /** kill -9 to all. */
  kill(): void {
    for (const { child } of this.#wards) child?.kill('SIGKILL');
  }

  async #stopChild(child: ChildProcess): Promise<void> {
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const cancel = this.#options.world.clock.after(this.#options.stopTimeoutMs, () => child.kill('SIGKILL'));
    child.kill('SIGTERM');
    await ended;
    cancel();
  }

  #startNode(ward: Ward): void {
    ward.startedAtMs = this.#now();
    ward.readyAtMs = undefined;
    ward.hasAnswered = false;
    ward.probesMissed = 0;
    ward.restart = undefined;
    ward.child = startNodeProcess(ward.plan, (end) => this.#nodeEnded(ward, end));
  }

  #nodeEnded(ward: Ward, end: NodeEnd): void {
    const { report, onHopeless, world } = this.#options;
    const { restartMinMs, restartMaxMs, steadyMs } = SUPERVISOR_LIMITS;
    ward.child = undefined;
    if (this.#isStopping) return;
    if (HOPELESS.has(end.code)) {
      onHopeless(ward.plan, end);
      return;
    }
    const wasSteady = ward.readyAtMs !== undefined && this.#now() - ward.readyAtMs >= steadyMs;
    ward.failures = wasSteady ? 1 : ward.failures + 1;
    const waitMs = Math.min(restartMinMs * 2 ** (ward.failures - 1), restartMaxMs);
    report(`${ward.plan.id} ${describeEnd(end)}; it is started again in ${waitMs} ms`);
    ward.restart = world.clock.after(waitMs, () => this.#startNode(ward));
  }

  #tickLater(): void {
    this.#cancelTick = this.#options.world.clock.after(SUPERVISOR_LIMITS.tickMs, () => this.#tick());
  }

  #tick(): void {
    const { tickMs, lateMs, probesMissed } = SUPERVISOR_LIMITS;
    const now = this.#now();
    const isLate = now - this.#tickedAtMs > tickMs + lateMs;
    this.#tickedAtMs = now;
    if (isLate) {
      this.#era++;
      for (const ward of this.#wards) ward.probesMissed = 0;
    }
    const silent = this.#wards.find((ward) => ward.child !== undefined && ward.probesMissed >= probesMissed);
    if (silent !== undefined) this.#killSilent(silent);
    for (const ward of this.#wards) if (ward.child !== undefined) void this.#probe(ward, ward.child, this.#era);
    this.#tickLater();
  }

  /** One at a time: if many are silent at once, this machine is more likely to blame than they are. */
  #killSilent(ward: Ward): void {
    const now = this.#now();
    if (this.#healing !== undefined && now < this.#healing.untilMs) return;
    this.#healing = { ward, untilMs: now + SUPERVISOR_LIMITS.healingMs };
    this.#options.report(`${ward.plan.id} was silent for ${ward.probesMissed} probes; it is killed`);
    ward.probesMissed = 0;
    ward.child?.kill('SIGKILL');
  }

  async #probe(ward: Ward, child: ChildProcess, era: number): Promise<void> {
    const isAlive = await isAnswering(`${ward.plan.origin}/livez`, this.#options.dispatcher);
    if (ward.child !== child || this.#era !== era) return;
    if (isAlive) {
      ward.hasAnswered = true;
      ward.probesMissed = 0;
      return;
    }
    // Before the first answer it may still wait for the log.
    const isStarting = !ward.hasAnswered && this.#now() - ward.startedAtMs < this.#options.startTimeoutMs;
    if (!isStarting) ward.probesMissed++;
  }

  #now(): number {
    return this.#options.world.clock.monotonicMs();
  }
}

async function isAnswering(url: string, dispatcher: Dispatcher): Promise<boolean> {
  try {
    // A little shorter than a tick, so that each tick knows how the probe before it ended.
    const { body } = await request(url, { dispatcher, signal: AbortSignal.timeout(0.9 * SUPERVISOR_LIMITS.tickMs) });
    await body.dump();
    return true;
  } catch {
    return false;
  }
}

export function describeEnd({ code, signal, sentence }: NodeEnd): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  return sentence === '' ? how : `${how} (${sentence})`;
}
