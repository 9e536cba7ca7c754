// Which cluster a log is of: its first proposal where it is whole, its heartbeats where it was trimmed, never a proposal that came late.
import { expect, test } from 'vitest';
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { encodeCommand, encodeFrame } from '../../../src/core/codec.ts';
import type { Command } from '../../../src/core/commands/command.ts';
import { clusterOfLog } from '../../../src/node/log-cluster.ts';
import { HEARTBEAT } from '../core/fed-machine.ts';
import { Scene } from './scene.ts';

const proposal = (cluster: string): Command => ({
  type: 'create-cluster',
  cluster,
  limits: { ...STATE_LIMITS, featureLevel: 1 },
});
const heartbeat = (cluster: string): Command => ({ ...HEARTBEAT, cluster });

test.each<[string, readonly Command[], number, string | undefined]>([
  ['the first proposal of a whole log', [proposal('right'), proposal('late'), heartbeat('right')], 0, 'right'],
  ['a heartbeat of a trimmed one', [proposal('right'), { type: 'barrier' }, heartbeat('right')], 1, 'right'],
  ['no proposal that came late', [proposal('right'), proposal('late'), heartbeat('right')], 1, 'right'],
  ['nothing, where nobody says it', [proposal('right'), { type: 'barrier' }, proposal('late')], 1, undefined],
])('it is %s', async (_, commands, from, cluster) => {
  const scene = new Scene();
  for (const [at, command] of commands.entries()) {
    const bytes = encodeCommand({ attempt: 0, id: '', caller: '', deadline: 0 }, command);
    await scene.write(encodeFrame({ node: 'node-1', incarnation: 'i', n: at + 1 }, [bytes]));
  }
  const asked = clusterOfLog(scene.store.open('asker'), from, commands.length);
  await scene.settle();
  expect(await asked).toBe(cluster);
});
