// A queue in this process: what waits in it is lost with the process. For tests, and for trying things out.
import { CacheError } from '../errors.ts';
import type { ConsumeOptions, Delivery, QueueMessage, WriteQueue } from '../ports.ts';

export type MemoryQueueOptions = {
  /** More are refused as `full`; 100,000 unless given. */
  readonly maxWaiting?: number;
};

export type DeadLetter = QueueMessage & { readonly reason: string };

/** `dead` lists what was buried, the oldest first. */
export function memoryQueue({ maxWaiting = 100_000 }: MemoryQueueOptions = {}): WriteQueue & {
  readonly dead: readonly DeadLetter[];
} {
  const waiting: { readonly message: QueueMessage; attempt: number }[] = [];
  const dead: DeadLetter[] = [];
  const consumers: ConsumeOptions[] = [];
  let unended = 0;

  function handOut(): void {
    const [consumer] = consumers;
    while (consumer !== undefined && unended < consumer.maxUnended) {
      const next = waiting.shift();
      if (next === undefined) return;
      next.attempt += 1;
      unended += 1;
      consumer.onDelivery(deliveryOf(next));
    }
  }

  function deliveryOf(handedOut: { readonly message: QueueMessage; attempt: number }): Delivery {
    let isEnded = false;
    const end = async (and: () => void) => {
      if (isEnded) throw new CacheError('refused', 'memory-queue', 'this delivery was ended before');
      isEnded = true;
      unended -= 1;
      and();
      handOut();
    };
    return {
      ...handedOut.message,
      attempt: handedOut.attempt,
      acknowledge: () => end(() => {}),
      giveBack: () => end(() => void waiting.unshift(handedOut)),
      bury: (reason) => end(() => void dead.push({ ...handedOut.message, reason })),
    };
  }

  return {
    name: 'memory-queue',
    dead,
    async publish(message) {
      if (waiting.length >= maxWaiting)
        throw new CacheError('full', 'memory-queue', `${maxWaiting} writes wait already`);
      waiting.push({ message, attempt: 0 });
      handOut();
    },
    consume(consumer) {
      return new Promise((resolve) => {
        const leave = () => {
          consumers.splice(consumers.indexOf(consumer), 1);
          resolve();
        };
        if (consumer.signal.aborted) return resolve();
        consumers.push(consumer);
        consumer.signal.addEventListener('abort', leave, { once: true });
        handOut();
      });
    },
    count: async () => ({ waiting: waiting.length + unended, dead: dead.length }),
    async close() {},
  };
}
