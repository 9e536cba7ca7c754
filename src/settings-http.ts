// What the listeners of a node and of the gateway take from the settings.
import type { Settings } from './settings.ts';

/** Undefined: plain HTTP. */
export function tlsOf({ http }: Settings): Settings['http']['tls'] | undefined {
  return http.tls.certFile === '' ? undefined : http.tls;
}

/** By the names of base/limits.ts. */
export function limitsOf({ http }: Settings) {
  return {
    maxConnections: http.maxConnections,
    maxHeaderBytes: http.maxHeaderBytes,
    maxBodiesInFlightBytes: http.maxBodiesInFlight,
    headersTimeoutMs: http.headersTimeout,
    requestTimeoutMs: http.requestTimeout,
    keepAliveTimeoutMs: http.keepAliveTimeout,
    takeTimeoutMs: http.takeTimeout,
  };
}
