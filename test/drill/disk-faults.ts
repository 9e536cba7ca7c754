// Full disks: that of one broker, or that of the embedded log and of all the nodes' data.
import { isAlive, until } from './faults.ts';
import { type FullScene, kafkaOf, nodesOf, SMALL_DISK_BROKER } from './full-scene.ts';

const FELT_WITHIN_MS = 30_000;

/** A broker whose only disk fails gives up; the others go on without it. */
export async function fullBroker(scene: FullScene): Promise<string> {
  const kafka = kafkaOf(scene);
  const pid = kafka.pid(SMALL_DISK_BROKER) ?? 0;
  try {
    scene.disk.fill([pid]);
    await until(() => !kafka.isRunning(SMALL_DISK_BROKER), FELT_WITHIN_MS, 'the broker giving up its full disk');
  } finally {
    scene.disk.free();
  }
  const how = /No space left on device|File too large/.exec(kafka.output(SMALL_DISK_BROKER))?.[0] ?? 'without a word';
  await kafka.start(SMALL_DISK_BROKER);
  return `broker ${SMALL_DISK_BROKER + 1} gave up (${how}; ${scene.disk.how}), and came back when there was room`;
}

/** Writes fail until there is room again; the nodes live on. */
export async function fullData(scene: FullScene): Promise<string> {
  const { tally, disk } = scene;
  const pids = nodesOf(scene).map(({ server }) => server.pid ?? 0);
  const before = tally.failed;
  try {
    disk.fill(pids);
    await until(() => tally.failed >= before + 5, FELT_WITHIN_MS, 'writes failing for want of room');
  } finally {
    disk.free();
  }
  const dead = pids.filter((pid) => !isAlive(pid));
  if (dead.length > 0) tally.fault('died', `${dead.length} nodes ended because the disk was full`);
  return `${tally.failed - before} requests failed meanwhile (${disk.how}, ${pids.length - dead.length} nodes lived on)`;
}
