// The bounds of `npm start`: of its gateway and of its supervisor.

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;

/** The gateway of `npm start`. */
export const GATEWAY_LIMITS = {
  probeEveryMs: 250,
  /** A node that leaves a probe unanswered for so long is hung: what waits for it goes to another. */
  probeTimeoutMs: SECOND,
  connectTimeoutMs: SECOND,
  /** Beyond the request's own timeout, in which a node answers 504 by itself. */
  graceMs: 2 * SECOND,
  /** Longest silence in the middle of an answer. */
  silenceTimeoutMs: 75 * SECOND,
  idleTimeoutMs: 10 * SECOND,
  /** An answer of a known length up to this is received whole before it begins: a node may die in the middle of it. */
  heldBytes: 64 * KIB,
  /** Pauses between rounds over all nodes; the last one goes on. */
  backoffMs: [25, 50, 100, 200],
} as const;

/** The supervisor of `npm start`. */
export const SUPERVISOR_LIMITS = {
  tickMs: SECOND,
  /** A tick later than this says that the supervisor itself stood still; then no silence counts. */
  lateMs: 500,
  probesMissed: 3,
  /** After a silent node was killed the next one is not before it is ready again, or this has passed. */
  healingMs: 5 * SECOND,
  restartMinMs: 250,
  restartMaxMs: 10 * SECOND,
  /** Ready for so long: the next restart is quick again. */
  steadyMs: 10 * SECOND,
  /** Beyond drainDelay and shutdownTimeout, before a node that was told to stop is killed. */
  stopGraceMs: 5 * SECOND,
  nodeLogBytes: 16 * MIB,
  /** How long a taken port may stay taken at the start: nodes of a killed supervisor end by themselves. */
  portPatienceMs: 3 * SECOND,
  portPollMs: 100,
  /** With one node ready the cluster is said to run after this, whatever the others do. */
  startPatienceMs: 10 * SECOND,
  startPollMs: 50,
  startSayMs: 2 * SECOND,
  /** Two signals closer than this are one. */
  secondSignalMs: SECOND,
} as const;
