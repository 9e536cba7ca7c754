// The HTTP contract over real processes: a node on the embedded log, the gateway, Nginx, and a node on Kafka.
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { available } from '../servers/available.ts';
import { type ChorusCluster, type ChorusNodes, startChorusCluster, startChorusNodes } from '../servers/chorus.ts';
import { type ChorusNginx, startChorusNginx } from '../servers/chorus-nginx.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import { contractSuite, type Scenario } from '../suites/contract.ts';
import { CACHE_ADMIN_SCENARIOS } from '../suites/contract-cache-admin.ts';
import { CACHE_SCENARIOS } from '../suites/contract-caches.ts';
import { CONDITION_SCENARIOS } from '../suites/contract-conditions.ts';
import { KEY_SCENARIOS } from '../suites/contract-keys.ts';
import { LIST_SCENARIOS } from '../suites/contract-lists.ts';
import { OPERATION_SCENARIOS } from '../suites/contract-operations.ts';
import { REST_SCENARIOS } from '../suites/contract-rest.ts';
import { STORE_SCENARIOS } from '../suites/contract-stores.ts';
import { TOKEN_SCENARIOS } from '../suites/contract-tokens.ts';

const SCENARIOS: readonly Scenario[] = [
  ...KEY_SCENARIOS,
  ...CONDITION_SCENARIOS,
  ...OPERATION_SCENARIOS,
  ...LIST_SCENARIOS,
  ...CACHE_SCENARIOS,
  ...CACHE_ADMIN_SCENARIOS,
  ...STORE_SCENARIOS,
  ...REST_SCENARIOS,
  ...TOKEN_SCENARIOS,
];

/** For the scenarios of required conditions and of caches. */
const CONFIG = resolve(import.meta.dirname, '../suites/contract-config.ts');
const FLAGS = ['--conditional-prefixes', 'guarded/', '--config', CONFIG];

describe('on the embedded log', () => {
  let cluster: ChorusCluster;
  let nginx: ChorusNginx;
  beforeAll(async () => {
    cluster = await startChorusCluster({ flags: FLAGS });
    // Before one node: what is read on another needs the token, which is for the suites of consistency.
    if (available('nginx')) nginx = await startChorusNginx({ nodePorts: [Number(new URL(nodeUrl()).port)] });
  });
  afterAll(async () => {
    await nginx?.close();
    await cluster?.close();
  });

  const nodeUrl = () => cluster.nodes[0]?.url ?? '';
  contractSuite('a node', SCENARIOS, { url: nodeUrl, isNode: true });
  contractSuite('the gateway', SCENARIOS, { url: () => cluster.gateway, isNode: false });
  describe.skipIf(!available('nginx'))('behind Nginx', () => {
    contractSuite('Nginx', SCENARIOS, { url: () => `http://127.0.0.1:${nginx.port}`, isNode: false });
  });
});

describe.skipIf(!available('kafka'))('on Kafka', () => {
  let kafka: Kafka;
  let chorus: ChorusNodes;
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
    chorus = await startChorusNodes({
      nodes: 1,
      flags: [...FLAGS, '--log', 'kafka', '--kafka-brokers', kafka.brokers],
    });
  });
  afterAll(async () => {
    await chorus?.close();
    await kafka?.close();
  });

  contractSuite('a node on Kafka', SCENARIOS, { url: () => chorus.nodes[0]?.url ?? '', isNode: true });
});
