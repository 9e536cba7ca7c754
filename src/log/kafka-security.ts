// How brokers are spoken to: plainly or over TLS, and by which name and password; one way for kafkajs's admin and for our own connections.
import { readFileSync } from 'node:fs';
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import { EXIT, FatalError, messageOf } from '../base/errors.ts';
import { sharedLookup } from './broker-lookup.ts';

/** As in the settings; '' for a file that there is not. */
export type KafkaSecurityFiles = {
  readonly ssl: {
    readonly enabled: boolean;
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
  };
  readonly sasl: {
    readonly mechanism: 'none' | 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly passwordFile: string;
  };
};

export type KafkaSecurity = {
  readonly ssl?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  readonly sasl?: SASLOptions;
};

/** Reads the files; throws FatalError (64) with the setting whose file cannot be read. */
export function readKafkaSecurity({ ssl, sasl }: KafkaSecurityFiles): KafkaSecurity {
  return {
    ...(ssl.enabled
      ? {
          ssl: {
            ...(ssl.caFile === '' ? {} : { ca: contents('log.kafka.ssl.caFile', ssl.caFile) }),
            ...(ssl.certFile === '' ? {} : { cert: contents('log.kafka.ssl.certFile', ssl.certFile) }),
            ...(ssl.keyFile === '' ? {} : { key: contents('log.kafka.ssl.keyFile', ssl.keyFile) }),
          },
        }
      : {}),
    ...(sasl.mechanism === 'none' ? {} : { sasl: { mechanism: sasl.mechanism, ...credentials(sasl) } }),
  };
}

function credentials({ username, passwordFile }: KafkaSecurityFiles['sasl']) {
  const password = contents('log.kafka.sasl.passwordFile', passwordFile)
    .toString()
    .replace(/\r?\n$/, '');
  if (password === '') throw new FatalError(EXIT.badConfiguration, 'log.kafka.sasl.passwordFile: the file is empty');
  return { username, password };
}

function contents(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new FatalError(EXIT.badConfiguration, `${setting}: ${messageOf(error)}`, { cause: error });
  }
}

const LOOKUP = sharedLookup();

export type BrokerSocketOptions = {
  readonly host: string;
  readonly port: number;
  readonly ssl: KafkaSecurity['ssl'] | undefined;
  /** When requests may be sent: over TLS after the handshake. */
  onConnect(): void;
  /** Where bytes go and who hears of them; default: the socket's `data` event. */
  readonly onread?: OnReadOpts;
};

export function brokerSocket({ host, port, ssl, onConnect, onread }: BrokerSocketOptions): Socket {
  const place = { host, port, lookup: LOOKUP, ...(onread === undefined ? {} : { onread }) };
  const socket =
    ssl === undefined
      ? connect(place, onConnect)
      : connectSecurely({ ...place, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect);
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}

const KEEP_ALIVE_MS = 60_000;
