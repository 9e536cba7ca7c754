// The listening side of a node and of the gateway: Node's own server, plain or over TLS, with the limits of connections and heads.
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { messageOf } from '../base/errors.ts';
import { REQUEST_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { Certificates, type TlsFiles } from './certificates.ts';
import type { HttpLimits } from './service.ts';

export type ListenerLimits = Pick<
  HttpLimits,
  'maxHeaderBytes' | 'maxConnections' | 'headersTimeoutMs' | 'requestTimeoutMs' | 'keepAliveTimeoutMs'
>;

/** Short, so that those who came together and are late together are not cut off all in one turn. */
const CHECKING_INTERVAL_MS = 250;

/** A server that does not listen yet. With `tls` it takes new certificates as they come; connections go on with what they began with. */
export function createListener(limits: ListenerLimits, tls: TlsFiles | undefined, logger: Logger): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, CHECKING_INTERVAL_MS),
    // Checked where it is answered with a problem document.
    requireHostHeader: false,
  };
  const server = tls === undefined ? createServer(options) : createSecureServer(options, limits, tls, logger);
  server.maxConnections = limits.maxConnections;
  // The size of the head is bounded above; a count beyond which Node drops headers silently would drop conditions.
  server.maxHeadersCount = 0;
  return server;
}

function createSecureServer(options: ServerOptions, limits: ListenerLimits, tls: TlsFiles, logger: Logger): Server {
  const certificates = new Certificates(tls);
  const handshakeTimeout = limits.headersTimeoutMs;
  const server = createTlsServer({ ...options, ...certificates.serverOptions, handshakeTimeout });
  const say = (event: string) => {
    const { subject, validTo, fingerprint256 } = certificates.own;
    logger.info({ subject, validTo, fingerprint256 }, event);
  };
  const look = () => {
    try {
      if (!certificates.refresh()) return;
      server.setSecureContext(certificates.serverOptions);
      say('new certificates were taken');
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'new certificates could not be taken; those before go on');
    }
  };
  const looking = setInterval(look, REQUEST_LIMITS.certificatesEveryMs).unref();
  server.once('listening', () => say('certificates were read'));
  server.once('close', () => clearInterval(looking));
  return server;
}
