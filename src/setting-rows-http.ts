// The settings of a node's edge: certificates, and the bounds of connections, heads and bodies. Rows of setting-table.ts.
import { REQUEST_LIMITS } from './base/limits.ts';
import { choice, count, duration, file, size } from './setting-kinds.ts';

const MINUTE = 60_000;

export const CLIENT_AUTHS = ['none', 'required'] as const;

export const TLS_SETTINGS = {
  'http.tls.certFile': file({
    flag: 'tls-cert-file',
    variable: 'CHORUS_TLS_CERT_FILE',
    help: 'Certificate (PEM, with its chain) to serve HTTPS with; read again when it changes.',
  }),
  'http.tls.keyFile': file({
    flag: 'tls-key-file',
    variable: 'CHORUS_TLS_KEY_FILE',
    help: 'Private key (PEM) of the certificate.',
  }),
  'http.tls.caFile': file({
    flag: 'tls-ca-file',
    variable: 'CHORUS_TLS_CA_FILE',
    help: 'Certificates (PEM) that clients’ certificates are signed with.',
  }),
  'http.tls.clientAuth': choice({
    flag: 'tls-client-auth',
    variable: 'CHORUS_TLS_CLIENT_AUTH',
    help: 'required: only clients with a certificate of tls-ca-file get a connection.',
    among: CLIENT_AUTHS,
    fallback: 'none',
  }),
} as const;

export const HTTP_LIMIT_SETTINGS = {
  'http.maxConnections': count({
    flag: 'max-connections',
    variable: 'CHORUS_MAX_CONNECTIONS',
    help: 'Most connections at once; more are closed as they come.',
    fallback: REQUEST_LIMITS.maxConnections,
    least: 1,
    most: 1_000_000,
  }),
  'http.maxHeaderBytes': size({
    flag: 'max-header-bytes',
    variable: 'CHORUS_MAX_HEADER_BYTES',
    help: 'Longest head of a request, target and headers together (431).',
    fallback: REQUEST_LIMITS.maxHeaderBytes,
    // A key of 1 KiB is three times as long in percents.
    least: 8 * 1024,
    most: 1024 * 1024,
  }),
  'http.maxBodiesInFlight': size({
    flag: 'max-bodies-in-flight',
    variable: 'CHORUS_MAX_BODIES_IN_FLIGHT',
    help: 'Most bytes of bodies that are being received, all requests together (429).',
    fallback: REQUEST_LIMITS.maxBodiesInFlightBytes,
    least: 4 * 1024 * 1024,
    most: 2 ** 40,
  }),
  'http.headersTimeout': duration({
    flag: 'headers-timeout',
    variable: 'CHORUS_HEADERS_TIMEOUT',
    help: 'How long the head of a request may take to come (408).',
    fallback: REQUEST_LIMITS.headersTimeoutMs,
    least: 100,
    most: 10 * MINUTE,
  }),
  'http.requestTimeout': duration({
    flag: 'request-timeout',
    variable: 'CHORUS_REQUEST_TIMEOUT',
    help: 'How long a whole request may take to come, its body included (408); a backup to be restored too.',
    fallback: REQUEST_LIMITS.requestTimeoutMs,
    least: 100,
    most: 24 * 60 * MINUTE,
  }),
  'http.keepAliveTimeout': duration({
    flag: 'keep-alive-timeout',
    variable: 'CHORUS_KEEP_ALIVE_TIMEOUT',
    help: 'How long a connection may be idle between two requests; above that of the balancer before it.',
    fallback: REQUEST_LIMITS.keepAliveTimeoutMs,
    least: 100,
    most: 60 * MINUTE,
  }),
  'http.takeTimeout': duration({
    flag: 'take-timeout',
    variable: 'CHORUS_TAKE_TIMEOUT',
    help: 'How long a client may take to take an answer; then its connection is cut.',
    fallback: REQUEST_LIMITS.takeTimeoutMs,
    least: 100,
    most: 60 * MINUTE,
  }),
} as const;
