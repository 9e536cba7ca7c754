// Rules between settings of TLS and of Kafka: sentences that say what does not go together.

type Tls = {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly clientAuth: string;
};
type KafkaSecurity = {
  readonly ssl: {
    readonly enabled: boolean;
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
  };
  readonly sasl: { readonly mechanism: string; readonly username: string; readonly passwordFile: string };
};

/** Undefined when all is well. An empty text is a setting that was left out. */
export function tlsFault({ certFile, keyFile, caFile, clientAuth }: Tls): string | undefined {
  if (certFile === '' && keyFile !== '') return 'http.tls.certFile is needed with http.tls.keyFile';
  if (keyFile === '' && certFile !== '') return 'http.tls.keyFile is needed with http.tls.certFile';
  if (clientAuth === 'required' && certFile === '') return 'http.tls.clientAuth: there is no http.tls.certFile';
  if (clientAuth === 'required' && caFile === '')
    return 'http.tls.caFile is needed with http.tls.clientAuth required: the certificates that clients are known by';
  if (caFile !== '' && clientAuth !== 'required')
    return 'http.tls.caFile is for http.tls.clientAuth required; without it no client is asked for a certificate';
  return undefined;
}

/** Undefined when all is well. */
export function kafkaSecurityFault({ ssl, sasl }: KafkaSecurity): string | undefined {
  const { enabled, caFile, certFile, keyFile } = ssl;
  if (!enabled && `${caFile}${certFile}${keyFile}` !== '')
    return 'log.kafka.ssl: its files are only read with log.kafka.ssl.enabled (--kafka-ssl true)';
  if ((certFile === '') !== (keyFile === '')) return 'log.kafka.ssl: certFile and keyFile belong together';
  const hasCredentials = sasl.username !== '' && sasl.passwordFile !== '';
  if (sasl.mechanism !== 'none' && !hasCredentials)
    return `log.kafka.sasl.mechanism ${sasl.mechanism}: username and passwordFile are needed with it`;
  if (sasl.mechanism === 'none' && `${sasl.username}${sasl.passwordFile}` !== '')
    return 'log.kafka.sasl: username and passwordFile need a mechanism (--kafka-sasl plain, scram-sha-256 or scram-sha-512)';
  return undefined;
}
