// Bad input through the gateway of npm start: the same answers as from a node.
import { afterAll, beforeAll } from 'vitest';
import { type ChorusCluster, startChorusCluster } from '../servers/chorus.ts';
import { badInputSuite } from '../suites/bad-input.ts';

let cluster: ChorusCluster;

beforeAll(async () => {
  cluster = await startChorusCluster({ nodes: 2 });
});
afterAll(() => cluster?.close());

badInputSuite('the gateway', { url: () => cluster.gateway, randomRequests: 2000 });
