// The contract of the write queue with a real RabbitMQ, killed and hung too.
import { nanoid } from 'nanoid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rabbitmq } from '../../src/cache/queues/rabbitmq.ts';
import { available } from '../servers/available.ts';
import { type Rabbitmq, startRabbitmq } from '../servers/rabbitmq.ts';
import { portChaos } from '../suites/port-chaos.ts';
import { writeQueueContract } from '../suites/write-queue.ts';

describe.skipIf(!available('rabbitmq'))('with a real RabbitMQ', () => {
  let server: Rabbitmq;
  beforeAll(async () => {
    server = await startRabbitmq();
  });
  afterAll(() => server?.close());

  writeQueueContract('RabbitMQ', async () => {
    const queue = `writes-${nanoid()}`;
    return {
      open: async () => rabbitmq({ url: server.url, queue, exchange: 'order', routingKey: queue }),
      remove: async () => {},
      async crash() {
        await server.kill();
        await server.start();
      },
    };
  });

  portChaos('RabbitMQ', {
    server: () => server,
    open() {
      const queue = rabbitmq({ url: server.url, queue: 'chaos', publishTimeout: '300ms', connectTimeout: '2s' });
      const call = () => queue.publish({ id: nanoid(), body: Buffer.from('any') });
      return { call, close: () => queue.close() };
    },
  });

  test('a message that is too large is refused', async () => {
    const queue = rabbitmq({ url: server.url, queue: 'large' });
    const large = queue.publish({ id: 'large', body: Buffer.alloc(9 * 1024 * 1024) });
    await expect(large).rejects.toMatchObject({ code: 'refused' });
    await queue.close();
  });
});
