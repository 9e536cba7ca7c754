// Bad input to one node.
import { afterAll, beforeAll } from 'vitest';
import { badInputSuite } from '../../suites/bad-input.ts';
import { type RunningNode, startRunningNode } from './running-node.ts';

let running: RunningNode;

beforeAll(async () => {
  running = await startRunningNode();
});

afterAll(() => running.stop());

badInputSuite('one node', { url: () => running.url });
