// The settings of how a node shows itself to Kafka, and Kafka to it. Rows of setting-table.ts.
import { choice, file, text, yesOrNo } from './setting-kinds.ts';

export const SASL_MECHANISMS = ['none', 'plain', 'scram-sha-256', 'scram-sha-512'] as const;

export const KAFKA_SECURITY_SETTINGS = {
  'log.kafka.ssl.enabled': yesOrNo({
    flag: 'kafka-ssl',
    variable: 'CHORUS_KAFKA_SSL',
    help: 'Whether Kafka is spoken to over TLS.',
    fallback: false,
  }),
  'log.kafka.ssl.caFile': file({
    flag: 'kafka-ca-file',
    variable: 'CHORUS_KAFKA_CA_FILE',
    help: 'Certificates (PEM) that the brokers’ are signed with; without it those that Node.js trusts.',
  }),
  'log.kafka.ssl.certFile': file({
    flag: 'kafka-cert-file',
    variable: 'CHORUS_KAFKA_CERT_FILE',
    help: 'This node’s own certificate (PEM) for brokers that ask for one.',
  }),
  'log.kafka.ssl.keyFile': file({
    flag: 'kafka-key-file',
    variable: 'CHORUS_KAFKA_KEY_FILE',
    help: 'Private key (PEM) of that certificate.',
  }),
  'log.kafka.sasl.mechanism': choice({
    flag: 'kafka-sasl',
    variable: 'CHORUS_KAFKA_SASL',
    help: 'How this node says to Kafka who it is.',
    among: SASL_MECHANISMS,
    fallback: 'none',
  }),
  'log.kafka.sasl.username': text({
    flag: 'kafka-username',
    variable: 'CHORUS_KAFKA_USERNAME',
    help: 'User name for Kafka.',
    placeholder: '<name>',
    pattern: /^[^\0]*$/,
    mustBe: 'a name',
    fallback: '',
    fallbackText: 'none',
  }),
  'log.kafka.sasl.passwordFile': file({
    flag: 'kafka-password-file',
    variable: 'CHORUS_KAFKA_PASSWORD_FILE',
    help: 'File with the password for Kafka; one line break at its end is not part of it.',
  }),
} as const;
