// The whole cluster of the compose file as processes: one Kafka broker, three bare nodes, and Nginx with the project's files in front.
import { type Target, targetOf } from '../drill/requests.ts';
import { type ChorusNodes, isReadyAt, startChorusNodes, until } from '../servers/chorus.ts';
import { type ChorusNginx, startChorusNginx } from '../servers/chorus-nginx.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import type { BalancedLoad } from './balanced-load.ts';

export type KafkaCluster = {
  readonly kafka: Kafka;
  readonly chorus: ChorusNodes;
  readonly nginx: ChorusNginx;
  /** `http://127.0.0.1:8080`, of Nginx. */
  readonly front: string;
  /** For the load. */
  readonly balanced: { readonly nginx: Target; readonly nodes: readonly (Target & { readonly id: string })[] };
  allReady(): Promise<void>;
  /** What a node holds that is not what the load counted, and digests that differ, as sentences. Every node must be ready. */
  differences(load: BalancedLoad): Promise<readonly string[]>;
  close(): Promise<void>;
};

const MAX_CONNECTIONS = 1024;

export async function startKafkaCluster(): Promise<KafkaCluster> {
  const kafka = await startKafka({ brokers: 1 });
  const chorus = await startChorusNodes({ flags: ['--log', 'kafka', '--kafka-brokers', kafka.brokers] }).catch(
    async (error: unknown) => {
      await kafka.close();
      throw error;
    },
  );
  const nginx = await startChorusNginx({ nodePorts: chorus.nodes.map(({ port }) => port) });
  const front = `http://127.0.0.1:${nginx.port}`;
  return {
    kafka,
    chorus,
    nginx,
    front,
    balanced: {
      nginx: targetOf(nginx.port, MAX_CONNECTIONS),
      nodes: chorus.nodes.map(({ id, port }) => ({ id, ...targetOf(port, MAX_CONNECTIONS) })),
    },
    allReady: () =>
      until('all nodes are ready', async () =>
        (await Promise.all(chorus.nodes.map(({ url }) => isReadyAt(url)))).every(Boolean),
      ),
    differences: (load) => differences(chorus, front, load),
    async close() {
      await nginx.close();
      await chorus.close();
      await kafka.close();
    },
  };
}

async function differences(chorus: ChorusNodes, front: string, load: BalancedLoad): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { id, url } of chorus.nodes) {
    for (const [key, count] of load.counts()) {
      const answer = await fetch(`${url}/v1/keys/${key}?consistency=linearizable`);
      const held = await answer.text();
      if (held !== String(count)) found.push(`${id} holds ${held} at ${key}, ${count} increments were acknowledged`);
    }
  }
  // A node counts in the check once the cluster has heard by a heartbeat that it is ready.
  let checked: DigestCheck = {};
  await until('every node reports its digest', async () => {
    const answer = await fetch(`${front}/v1/cluster?check=digests&timeout=20s`);
    checked = (await answer.json()) as DigestCheck;
    return Object.keys(checked.digests ?? {}).length === chorus.nodes.length;
  });
  return checked.agreed === true ? found : [...found, `the digests: ${JSON.stringify(checked)}`];
}

type DigestCheck = { readonly agreed?: boolean; readonly digests?: Readonly<Record<string, string>> };
