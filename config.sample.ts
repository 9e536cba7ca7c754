// Every setting with its default, explained. Copy this file to config.ts and keep the lines that you change.
//
// A flag (--port 8001) goes before its environment variable (CHORUS_PORT), that before config.ts, that before the default;
// `node src/main.ts --help` lists all of them. An unknown setting is an error that names the nearest known one.
// Durations: '500ms', '30s', '5m', '2h' or a number of seconds. Sizes: '512KiB', '64MiB', '4GiB' or a number of bytes.
import type { Config } from './src/settings.ts';
// import { rows } from './src/cache/sources/rows.ts';
// import { sqliteDatabase } from './src/cache/sources/sqlite-database.ts';

export const config = {
  // This node among its cluster. Without it: the host name; under `npm start`: node-1, node-2, …
  // nodeId: 'node-1',

  http: {
    // Loopback keeps others out. Another address asks for tokens, see `auth` below.
    host: '127.0.0.1',
    // Under `npm start` the port of the first node; the others follow.
    port: 8001,
    // How others reach this node, as /v1/cluster shows it. Without it: host and port.
    // address: 'chorus-1.internal:8001',
    // Names taken in the Host header besides localhost, addresses, this machine's name and that in `address`; keeps web pages of
    // strangers, under a name of theirs, from reaching a node. '*' takes all.
    // allowedHosts: ['chorus.example.org'],
    // HTTPS instead of HTTP. The files are PEM and read again when they change. docs/security.md says how they are made.
    tls: {
      // certFile: './tls/node.pem',
      // keyFile: './tls/node.key',
      // 'required': only clients with a certificate that one of `caFile` signed get a connection.
      clientAuth: 'none',
      // caFile: './tls/clients.pem',
    },
    // Bounds of what strangers can make a node hold: connections, heads of requests, bodies that are being received, …
    maxConnections: 10_000,
    maxHeaderBytes: '16KiB',
    maxBodiesInFlight: '256MiB',
    // … and how long the head and the whole of a request may take to come, an idle connection stays, a client may take for an answer.
    headersTimeout: '10s',
    requestTimeout: '60s',
    keepAliveTimeout: '75s',
    takeTimeout: '60s',
    // What reads get that do not ask: 'eventual' (local memory), 'session' or 'linearizable'.
    defaultConsistency: 'eventual',
    // Keys that begin so are put and deleted under a condition only (428 without one). The same on every node.
    // conditionalPrefixes: ['config/'],
  },

  // 'tokens': who asks shows a token, and may do what its scopes say (docs/operations.md). 'none' lets everybody in who reaches the
  // port. Without it: 'none' on loopback, 'tokens' elsewhere.
  // auth: 'tokens',
  // With 'tokens': the SHA-256 of the first administrator's token, as `node src/token.ts new` prints it. The token itself is in no file.
  // adminTokenSha256: '…',

  log: {
    // 'embedded': a file in `dataDir`, shared by the nodes of one machine. 'kafka': a topic. 'memory': one node, lost at its end.
    kind: 'embedded',
    kafka: {
      // Needed with 'kafka'.
      // brokers: ['kafka-1:9092', 'kafka-2:9092', 'kafka-3:9092'],
      // One topic is one cluster; it is created with the right settings when it is not there.
      topic: 'chorus.commands',
      // TLS to the brokers. Without `caFile` those are trusted whom Node.js trusts; `certFile` and `keyFile` where brokers ask who we are.
      ssl: {
        enabled: false,
        // caFile: './tls/kafka-ca.pem',
        // certFile: './tls/kafka-client.pem',
        // keyFile: './tls/kafka-client.key',
      },
      // 'plain', 'scram-sha-256' or 'scram-sha-512'. The password is in a file, so that it is in no process list.
      sasl: {
        mechanism: 'none',
        // username: 'chorus',
        // passwordFile: './tls/kafka-password',
      },
    },
  },

  // log/ and snapshots/ in it are shared by the nodes of one machine, <nodeId>/ is each node's own. A local disk, no network share.
  dataDir: './data',

  // What a new cluster begins with. They are part of the replicated state: an old cluster keeps those its log says.
  limits: {
    maxValueBytes: '1MiB',
    maxKeys: 16_000_000,
    // Keys and values together, as counted by Chorus; the process needs about three times as much.
    maxMemory: '4GiB',
    // What happens above either. 'none': what makes it more is refused (507). 'lru': the entries not used for longest are evicted.
    // 'ttl': those that expire soonest; entries that live for ever stay. With both, writes are refused only at 110 %, when evictions
    // lag or find nothing to evict. As a cache like PyCache: maxKeys: 1_000_000, eviction: 'lru'.
    eviction: 'none',
    // Outcomes remembered so that a repeat with the same Idempotency-Key gets the first answer; at most this many twice over.
    maxOutcomes: 1_000_000,
  },

  // When a snapshot of the whole state is saved, so that a restart reads it and the rest of the log, and the log can be trimmed.
  snapshots: {
    // The log has grown by so much since the last one, and by as much as keys and values take …
    everyBytes: '256MiB',
    // … or by so many records, whatever their size.
    everyRecords: 1_000_000,
  },

  // Caches in front of databases, served at /v1/caches/{name}/entries/{key}: one miss warms every node. `source` is called by each node. All
  // else makes the first policy; PUT /v1/caches/{name}/policy changes it while it runs. docs/api.md has the API.
  caches: {
    // users: {
    //   source: () =>
    //     rows(sqliteDatabase({ file: './data/users.db' }), {
    //       table: 'users',
    //       columns: { id: 'integer', name: 'text', email: 'text?' },
    //       key: 'id',
    //     }),
    //   // The source's key of the text in the path; undefined: there can be no such row. Without it the text is the key.
    //   keyOf: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
    //   // By which entries can be invalidated together: POST /v1/caches/users:invalidate {"tags":["table:users"]}.
    //   tags: () => ['table:users'],
    //   // 'aside': writes change the entry alone. 'through': the source first. 'behind': the log first, the source soon.
    //   pattern: 'through',
    //   ttl: '1h',
    //   negativeTtl: '10s',
    //   grace: '1m',
    // },
  },

  // How long the log may be unreachable at the start before the node gives up with exit code 69.
  startTimeout: '60s',
  // On SIGTERM: how long requests in flight may take to finish …
  shutdownTimeout: '10s',
  // … and how long /readyz is red before connections close, so that a balancer has seen it.
  drainDelay: '500ms',

  // 'debug' says more; values and tokens are in no log at any level.
  logLevel: 'info',

  // Only for `npm start`.
  cluster: {
    nodes: 3,
    gatewayPort: 8080,
  },
} satisfies Config;
