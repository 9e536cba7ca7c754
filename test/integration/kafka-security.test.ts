// The Kafka log and whole nodes against a real broker that asks who they are: PLAIN and SCRAM, in the open and over TLS with certificates on both sides.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka as KafkaClient, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/base/logger.ts';
import { quietRequestQueue } from '../../src/log/kafka-connection.ts';
import { openKafkaLog } from '../../src/log/kafka-log.ts';
import { type KafkaSecurityFiles, readKafkaSecurity } from '../../src/log/kafka-security.ts';
import { available } from '../servers/available.ts';
import { createAuthority, type Issued, joined } from '../servers/certificates.ts';
import { startChorusNodes } from '../servers/chorus.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import { addScramUser } from '../servers/kafka-files.ts';
import { freePort, temporaryDirectory } from '../servers/places.ts';
import { LogTail } from '../suites/log-tail.ts';

const USERNAME = 'chorus';
const PASSWORD = 'swordfish-4711';
const logger = createLogger('silent', {});

describe.skipIf(!available('kafka') || !available('openssl'))('a Kafka that asks who we are', () => {
  let directory: string;
  let kafka: Kafka;
  let own: Issued;
  let caFile: string;
  let passwordFile: string;
  let places: Readonly<Record<'sasl_plaintext' | 'sasl_ssl', string>>;
  let topics = 0;

  beforeAll(async () => {
    directory = temporaryDirectory('kafka-security');
    const authority = createAuthority(directory);
    caFile = authority.caFile;
    own = authority.issue('chorus');
    passwordFile = join(directory, 'password');
    writeFileSync(passwordFile, `${PASSWORD}\n`);
    const [saslPort, saslTlsPort] = [await freePort(), await freePort()];
    places = { sasl_plaintext: `127.0.0.1:${saslPort}`, sasl_ssl: `127.0.0.1:${saslTlsPort}` };
    const keyAndCertificate = joined(authority.issue('broker'), join(directory, 'broker-both.pem'));
    const secure = {
      saslPort,
      saslTlsPort,
      username: USERNAME,
      password: PASSWORD,
      keyAndCertificate,
      authorities: caFile,
    };
    kafka = await startKafka({ brokers: 1, secure });
    addScramUser(kafka.brokers, USERNAME, PASSWORD);
  });
  afterAll(async () => {
    await kafka?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function files(place: keyof typeof places, mechanism: KafkaSecurityFiles['sasl']['mechanism']): KafkaSecurityFiles {
    const ssl =
      place === 'sasl_ssl'
        ? { enabled: true, caFile, ...own }
        : { enabled: false, caFile: '', certFile: '', keyFile: '' };
    return { ssl, sasl: { mechanism, username: USERNAME, passwordFile } };
  }

  function open(place: keyof typeof places, security: KafkaSecurityFiles, startTimeoutMs = 20_000) {
    const topic = `secure-${++topics}`;
    return openKafkaLog({
      brokers: [places[place]],
      topic,
      security: readKafkaSecurity(security),
      logger,
      startTimeoutMs,
    });
  }

  test.each([
    ['sasl_plaintext', 'plain'],
    ['sasl_plaintext', 'scram-sha-256'],
    ['sasl_plaintext', 'scram-sha-512'],
    ['sasl_ssl', 'scram-sha-512'],
  ] as const)(
    'over %s with %s the log makes its topic, takes records and gives them back',
    async (place, mechanism) => {
      const log = await open(place, files(place, mechanism));
      const tail = new LogTail(log, 0);
      const { offset } = await log.append(Buffer.from('one'));
      await tail.received(1);
      expect(tail.records.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['one']);
      expect(await log.end()).toBe(offset + 1);
      await tail.stop();
      await log.close();
    },
  );

  test('with a wrong password the start fails and says that it is this', async () => {
    const wrong = join(directory, 'wrong');
    writeFileSync(wrong, 'marlin');
    const security = files('sasl_plaintext', 'scram-sha-256');
    const opening = open('sasl_plaintext', { ...security, sasl: { ...security.sasl, passwordFile: wrong } }, 5_000);
    await expect(opening).rejects.toMatchObject({
      exitCode: 69,
      message: expect.stringMatching(/SASL SCRAM SHA256 authentication failed/),
    });
    await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining('marlin') });
  });

  test('a broker whose certificate nobody vouches for is not spoken to', async () => {
    const security = files('sasl_ssl', 'plain');
    const stranger = createAuthority(directory, 'stranger').caFile;
    const opening = open('sasl_ssl', { ...security, ssl: { ...security.ssl, caFile: stranger } }, 5_000);
    await expect(opening).rejects.toMatchObject({ exitCode: 69, message: expect.stringMatching(/certificate/) });
  });

  test('nodes over SASL_SSL serve, and go on beyond the end of their sessions', async () => {
    const flags = ['--log', 'kafka', '--kafka-brokers', places.sasl_ssl, '--kafka-topic', 'secure-cluster'];
    const tls = [
      '--kafka-ssl',
      'true',
      '--kafka-ca-file',
      caFile,
      '--kafka-cert-file',
      own.certFile,
      '--kafka-key-file',
      own.keyFile,
    ];
    const sasl = ['--kafka-sasl', 'scram-sha-512', '--kafka-username', USERNAME, '--kafka-password-file', passwordFile];
    const cluster = await startChorusNodes({ nodes: 2, flags: [...flags, ...tls, ...sasl, '--log-level', 'trace'] });
    try {
      // The broker ends sessions after 12 s; kafkajs says again who we are in time, else the connection would be cut.
      const endMs = performance.now() + 14_000;
      for (let count = 1; performance.now() < endMs; count++) {
        const node = cluster.nodes[count % 2];
        const answer = await fetch(`${node?.url}/v1/keys/n?op=increment`, { method: 'POST' });
        expect([answer.status, await answer.text()]).toEqual([200, String(count)]);
      }
      for (const { server } of cluster.nodes) expect(server.output).not.toContain(PASSWORD);
    } finally {
      await cluster.close();
    }
  });

  test('who does not say a password gets nowhere, so the tests above show something', async () => {
    quietRequestQueue();
    const admin = new KafkaClient({
      brokers: [places.sasl_plaintext],
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    }).admin();
    await expect(admin.connect().then(() => admin.listTopics())).rejects.toThrow();
    await admin.disconnect();
  });
});
