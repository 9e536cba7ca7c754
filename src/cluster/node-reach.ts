// How this machine's gateway and supervisor reach the nodes beside them: plainly, or over TLS, trusting the nodes' own certificate and no other.
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { GATEWAY_LIMITS } from '../base/start-limits.ts';
import { Certificates, type TlsFiles } from '../http/certificates.ts';

export type NodeReach = {
  readonly scheme: 'http' | 'https';
  /** For undici's pools. */
  readonly connect: buildConnector.connector;
  /** For single questions. */
  readonly dispatcher: Dispatcher;
};

/** Throws FatalError (64) when the certificates cannot be used. */
export function reachNodes(tls: TlsFiles | undefined): NodeReach {
  const connect = tls === undefined ? plainConnector() : secureConnector(new Certificates(tls));
  return { scheme: tls === undefined ? 'http' : 'https', connect, dispatcher: new Agent({ connect }) };
}

export function plainConnector(): buildConnector.connector {
  return buildConnector({ timeout: GATEWAY_LIMITS.connectTimeoutMs });
}

/**
 * Nodes take a new certificate within a second of each other and of this process: so the files are looked at for each
 * connection, and the certificate before the present one is taken too. Names are not looked at: it is their one certificate, on this machine.
 */
function secureConnector(certificates: Certificates): buildConnector.connector {
  let before: string | undefined;
  let now = certificates.own.toString();
  return (options, callback) => {
    refresh(certificates);
    const own = certificates.own.toString();
    if (own !== now) [before, now] = [now, own];
    const connect = buildConnector({
      ...certificates.identity,
      ca: before === undefined ? [now] : [now, before],
      allowPartialTrustChain: true,
      checkServerIdentity: () => undefined,
      timeout: GATEWAY_LIMITS.connectTimeoutMs,
    });
    connect(options, callback);
  };
}

/** What is half written is told by the nodes; here the old one does until it is whole. */
function refresh(certificates: Certificates): void {
  try {
    certificates.refresh();
  } catch {
    return;
  }
}
