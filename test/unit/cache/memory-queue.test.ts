// The contract of the write queue held by the one in this process.
import { memoryQueue } from '../../../src/cache/queues/memory-queue.ts';
import { writeQueueContract } from '../../suites/write-queue.ts';

writeQueueContract('memory', async () => {
  const queue = memoryQueue();
  return { open: async () => queue, remove: () => queue.close() };
});
