// The snapshot store on Kafka: two more topics beside the commit log's, for manifests and for parts of chunks.
import type { CommitLog } from './commit-log.ts';
import { type KafkaLogOptions, openKafkaLog } from './kafka-log.ts';
import { LogSnapshots } from './log-snapshots.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/**
 * `topic` is the commit log's: the others are `<topic>.snapshots` and `<topic>.snapshot-chunks`, made when they are missing
 * and judged like it, for all three are cut by us alone (kafka-topic.ts). Rejects as openKafkaLog does.
 */
export async function openKafkaSnapshots(options: KafkaLogOptions): Promise<SnapshotStore> {
  const { topic, random = Math.random } = options;
  const opening = ['snapshots', 'snapshot-chunks'].map((name) =>
    openKafkaLog({ ...options, topic: `${topic}.${name}` }),
  ) as [Promise<CommitLog>, Promise<CommitLog>];
  try {
    const [manifests, parts] = await Promise.all(opening);
    return new LogSnapshots({ manifests, parts, random });
  } catch (error) {
    for (const one of await Promise.allSettled(opening)) if (one.status === 'fulfilled') await one.value.close();
    throw error;
  }
}
