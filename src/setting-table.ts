// The table of all settings: name in config.ts, flag, variable, kind, default and help. One row is all that a new setting needs.
import { EVICTIONS } from './base/evictions.ts';
import { FRAME_LIMITS, NODE_LIMITS, SNAPSHOT_DEFAULTS, STATE_LIMITS } from './base/limits.ts';
import { CONSISTENCIES } from './node/requests.ts';
import { choice, count, duration, host, list, port, size, text } from './setting-kinds.ts';
import { HTTP_LIMIT_SETTINGS, TLS_SETTINGS } from './setting-rows-http.ts';
import { KAFKA_SECURITY_SETTINGS } from './setting-rows-kafka.ts';

const MINUTE = 60_000;
/** A frame holds at least one command: the value and, beside it, key, id, content type and header. */
const FRAME_OVERHEAD_BYTES = 8 * 1024;

export const LOG_KINDS = ['embedded', 'kafka', 'memory'] as const;
export const AUTHS = ['none', 'tokens'] as const;
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const ANY_ADDRESS = /^(0\.0\.0\.0|::)$/;
const HOST_AND_PORT = /^([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/;

export const SETTING_TABLE = {
  nodeId: text({
    flag: 'node-id',
    variable: 'CHORUS_NODE_ID',
    help: 'This node among its cluster; no two live nodes may share one.',
    placeholder: '<id>',
    // A directory bears this name, beside log/ and snapshots/.
    pattern: /^(?!log$|snapshots$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    mustBe:
      '1 to 64 letters, digits, dots, hyphens or underscores, beginning with a letter or digit, and not log or snapshots',
    fallback: (known) => known.hostName,
    fallbackText: "this machine's host name",
    onlyFor: 'node',
  }),
  'http.host': host({
    flag: 'host',
    variable: 'CHORUS_HOST',
    help: 'Address to listen on; another than loopback asks for an explicit auth.',
    fallback: '127.0.0.1',
  }),
  'http.port': port({
    flag: 'port',
    variable: 'CHORUS_PORT',
    help: 'Port to listen on; under npm start the first of the nodes’ ports.',
    fallback: 8001,
  }),
  'http.address': text({
    flag: 'address',
    variable: 'CHORUS_ADDRESS',
    help: 'How this node is reached, as /v1/cluster shows it.',
    placeholder: '<host:port>',
    pattern: HOST_AND_PORT,
    mustBe: 'host:port',
    fallback: ({ hostName, host, port }) =>
      `${ANY_ADDRESS.test(host) ? hostName : host.includes(':') ? `[${host}]` : host}:${port}`,
    fallbackText: 'host and port',
    onlyFor: 'node',
  }),
  'http.allowedHosts': list({
    flag: 'allowed-hosts',
    variable: 'CHORUS_ALLOWED_HOSTS',
    help: 'Names taken in the Host header besides localhost, addresses and this node’s own names; * takes all.',
    placeholder: '<name,…>',
    pattern: /^(\*|[A-Za-z0-9][A-Za-z0-9._-]*|[0-9A-Fa-f:.]+)$/,
    mustBe: 'host names without ports, or *',
    fallbackText: 'none',
  }),
  'http.defaultConsistency': choice({
    flag: 'default-consistency',
    variable: 'CHORUS_DEFAULT_CONSISTENCY',
    help: 'Consistency of reads that ask for none.',
    among: CONSISTENCIES,
    fallback: 'eventual',
  }),
  'http.conditionalPrefixes': list({
    flag: 'conditional-prefixes',
    variable: 'CHORUS_CONDITIONAL_PREFIXES',
    help: 'Keys that begin so are put and deleted under a condition only (428); the same on every node.',
    placeholder: '<prefix,…>',
    pattern: /^.{1,1024}$/,
    mustBe: 'beginnings of keys, comma-separated',
    fallbackText: 'none',
  }),
  ...TLS_SETTINGS,
  ...HTTP_LIMIT_SETTINGS,
  auth: choice({
    flag: 'auth',
    variable: 'CHORUS_AUTH',
    help: 'Who may ask: tokens those who show one (docs/operations.md), none everybody who reaches the port.',
    among: AUTHS,
    fallback: ({ host }) => (LOOPBACK.test(host) ? 'none' : 'tokens'),
    fallbackText: 'tokens when not on loopback',
  }),
  adminTokenSha256: text({
    flag: 'admin-token-sha256',
    variable: 'CHORUS_ADMIN_TOKEN_SHA256',
    help: 'SHA-256 of a token that is an administrator’s at this node: the first, with which others are created. src/token.ts makes one.',
    placeholder: '<hex>',
    pattern: /^([0-9a-f]{64})?$/,
    isHidden: true,
    mustBe: '64 hexadecimal digits in lower case (a SHA-256, not the token itself)',
    fallback: '',
    fallbackText: 'none',
  }),
  'log.kind': choice({
    flag: 'log',
    variable: 'CHORUS_LOG',
    help: 'The commit log: embedded (a file under data-dir), kafka, or memory (one node, lost at its end).',
    among: LOG_KINDS,
    fallback: 'embedded',
  }),
  'log.kafka.brokers': list({
    flag: 'kafka-brokers',
    variable: 'CHORUS_KAFKA_BROKERS',
    help: 'Kafka brokers to begin with.',
    placeholder: '<host:port,…>',
    pattern: HOST_AND_PORT,
    mustBe: 'host:port, comma-separated',
    fallbackText: 'none',
  }),
  'log.kafka.topic': text({
    flag: 'kafka-topic',
    variable: 'CHORUS_KAFKA_TOPIC',
    help: 'Kafka topic that is the log; one cluster each.',
    placeholder: '<topic>',
    pattern: /^(?!\.\.?$)[A-Za-z0-9._-]{1,249}$/,
    mustBe: '1 to 249 letters, digits, dots, hyphens or underscores',
    fallback: 'chorus.commands',
    fallbackText: 'chorus.commands',
  }),
  ...KAFKA_SECURITY_SETTINGS,
  dataDir: text({
    flag: 'data-dir',
    variable: 'CHORUS_DATA_DIR',
    help: 'Directory of all data: log/ and snapshots/ are shared, <node-id>/ is each node’s own.',
    placeholder: '<directory>',
    pattern: /^[^\0]+$/,
    mustBe: 'a directory',
    fallback: './data',
    fallbackText: './data',
  }),
  'limits.maxValueBytes': size({
    flag: 'max-value-bytes',
    variable: 'CHORUS_MAX_VALUE_BYTES',
    help: 'Largest value. The limits hold for a new cluster; an old one keeps what its log says.',
    fallback: STATE_LIMITS.maxValueBytes,
    least: 1,
    most: FRAME_LIMITS.maxFrameBytes - FRAME_OVERHEAD_BYTES,
  }),
  'limits.maxKeys': count({
    flag: 'max-keys',
    variable: 'CHORUS_MAX_KEYS',
    help: 'Most keys; beyond it the eviction policy makes room, or a new one is refused with 507.',
    fallback: STATE_LIMITS.maxKeys,
    least: 1,
    most: STATE_LIMITS.maxKeys,
  }),
  'limits.maxMemory': size({
    flag: 'max-memory',
    variable: 'CHORUS_MAX_MEMORY',
    help: 'Most bytes of keys and values together; beyond it as for the keys, and a write that grows them is refused.',
    fallback: STATE_LIMITS.maxMemoryBytes,
    least: 1024,
    most: 2 ** 50,
  }),
  'limits.eviction': choice({
    flag: 'eviction',
    variable: 'CHORUS_EVICTION',
    help: 'What goes when a limit is passed: lru the entries not used for longest, ttl those that expire soonest, none nothing.',
    among: EVICTIONS,
    fallback: STATE_LIMITS.eviction,
  }),
  'limits.maxOutcomes': count({
    flag: 'max-outcomes',
    variable: 'CHORUS_MAX_OUTCOMES',
    help: 'Most outcomes remembered for repeats, twice over; fewer shorten the time an id is remembered.',
    fallback: STATE_LIMITS.maxOutcomes,
    least: 1,
    most: 16_000_000,
  }),
  'snapshots.everyBytes': size({
    flag: 'snapshot-every-bytes',
    variable: 'CHORUS_SNAPSHOT_EVERY_BYTES',
    help: 'A snapshot is saved when the log has grown by so much, and by as much as keys and values take.',
    fallback: SNAPSHOT_DEFAULTS.everyBytes,
    least: 1024,
    most: 2 ** 50,
  }),
  'snapshots.everyRecords': count({
    flag: 'snapshot-every-records',
    variable: 'CHORUS_SNAPSHOT_EVERY_RECORDS',
    help: 'A snapshot is saved when the log has grown by so many records, whatever their size.',
    fallback: SNAPSHOT_DEFAULTS.everyRecords,
    least: 10,
    most: 1_000_000_000,
  }),
  startTimeout: duration({
    flag: 'start-timeout',
    variable: 'CHORUS_START_TIMEOUT',
    help: 'How long the log may be unreachable at the start before the node gives up (exit 69).',
    fallback: NODE_LIMITS.startTimeoutMs,
    least: 1000,
    most: 60 * MINUTE,
  }),
  shutdownTimeout: duration({
    flag: 'shutdown-timeout',
    variable: 'CHORUS_SHUTDOWN_TIMEOUT',
    help: 'How long requests in flight may take to finish when the node is told to stop.',
    fallback: NODE_LIMITS.shutdownTimeoutMs,
    least: 0,
    most: 10 * MINUTE,
  }),
  drainDelay: duration({
    flag: 'drain-delay',
    variable: 'CHORUS_DRAIN_DELAY',
    help: 'How long /readyz is red before connections close, so that a balancer has seen it.',
    fallback: NODE_LIMITS.drainDelayMs,
    least: 0,
    most: 10 * MINUTE,
  }),
  logLevel: choice({
    flag: 'log-level',
    variable: 'CHORUS_LOG_LEVEL',
    help: 'From which level on events are written to standard output.',
    among: LOG_LEVELS,
    fallback: 'info',
  }),
  'cluster.nodes': count({
    flag: 'nodes',
    variable: 'CHORUS_NODES',
    help: 'How many nodes npm start runs.',
    fallback: 3,
    least: 1,
    most: 9,
    onlyFor: 'cluster',
  }),
  'cluster.gatewayPort': port({
    flag: 'gateway-port',
    variable: 'CHORUS_GATEWAY_PORT',
    help: 'Port of the gateway of npm start.',
    fallback: 8080,
    onlyFor: 'cluster',
  }),
} as const;
