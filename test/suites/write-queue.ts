// The contract of the write queue: order, acknowledgement by hand, dead letters, one consumer at a time; and of durable ones, what a kill leaves.
import { nanoid } from 'nanoid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delivery, QueueMessage, WriteQueue } from '../../src/cache/ports.ts';
import { until } from '../servers/chorus.ts';

/** A queue that is empty at first; `open` gives a further handle on it, which the suite closes. */
type TestQueuePlace = {
  open(): Promise<WriteQueue>;
  remove(): Promise<void>;
  /** Kills the server and starts it again; only where messages survive that. */
  readonly crash?: () => Promise<void>;
};

type Consuming = { readonly deliveries: Delivery[]; stop(): Promise<void> };

export function writeQueueContract(name: string, createPlace: () => Promise<TestQueuePlace>): void {
  describe(`the contract of the write queue: ${name}`, () => {
    let place: TestQueuePlace;
    let publisher: WriteQueue;
    let queue: WriteQueue;
    const opened: WriteQueue[] = [];
    const consuming: Consuming[] = [];

    async function open(): Promise<WriteQueue> {
      const handle = await place.open();
      opened.push(handle);
      return handle;
    }

    beforeEach(async () => {
      place = await createPlace();
      publisher = await open();
      queue = await open();
    });
    afterEach(async () => {
      await Promise.all(consuming.splice(0).map(({ stop }) => stop()));
      await Promise.all(opened.splice(0).map((handle) => handle.close()));
      await place.remove();
    });

    function consume(from: WriteQueue, maxUnended = 100): Consuming {
      const stopper = new AbortController();
      const deliveries: Delivery[] = [];
      const done = from.consume({ maxUnended, onDelivery: (one) => deliveries.push(one), signal: stopper.signal });
      const handle = {
        deliveries,
        async stop() {
          stopper.abort();
          await done;
        },
      };
      consuming.push(handle);
      return handle;
    }

    const arrived = ({ deliveries }: Consuming, count: number) =>
      until(`${count} deliveries`, async () => deliveries.length >= count);
    const counts = (waiting: number, dead: number) =>
      until(`${waiting} waiting and ${dead} dead`, async () => {
        const found = await queue.count();
        return found.waiting === waiting && found.dead === dead;
      });

    test('hands out what was published, byte by byte and in order, before and after the consumer came', async () => {
      const messages = Array.from({ length: 40 }, (_, n) => message(`${n}`));
      for (const one of messages.slice(0, 20)) await publisher.publish(one);
      const { deliveries } = consume(queue);
      await Promise.all(messages.slice(20).map((one) => publisher.publish(one)));
      await until('all deliveries', async () => deliveries.length >= messages.length);
      expect(deliveries.map(({ id, body }) => ({ id, text: textOf(body) }))).toEqual(
        messages.map(({ id, body }) => ({ id, text: textOf(body) })),
      );
      expect(deliveries.map(({ attempt }) => attempt)).toEqual(deliveries.map(() => 1));
    });

    test('carries every byte', async () => {
      const body = Uint8Array.from({ length: 100_000 }, (_, n) => n % 256);
      await publisher.publish({ id: 'a strange id: "ü"', body });
      const reader = consume(queue);
      await arrived(reader, 1);
      expect(reader.deliveries[0]?.id).toBe('a strange id: "ü"');
      expect(Buffer.from(reader.deliveries[0]?.body ?? []).equals(body)).toBe(true);
    });

    test('forgets what was acknowledged, and counts what was not', async () => {
      const reader = consume(queue);
      for (const text of ['one', 'two', 'three']) await publisher.publish(message(text));
      await arrived(reader, 3);
      await counts(3, 0);
      await Promise.all(reader.deliveries.map((delivery) => delivery.acknowledge()));
      await counts(0, 0);
    });

    test('hands out at most so many that are not ended', async () => {
      for (const text of ['one', 'two', 'three', 'four']) await publisher.publish(message(text));
      const reader = consume(queue, 2);
      await arrived(reader, 2);
      await reader.deliveries[0]?.acknowledge();
      await arrived(reader, 3);
      await counts(3, 0);
      expect(reader.deliveries.map(({ body }) => textOf(body))).toEqual(['one', 'two', 'three']);
    });

    test('hands out again what was given back, before what came later', async () => {
      for (const text of ['one', 'two']) await publisher.publish(message(text));
      const reader = consume(queue, 1);
      await arrived(reader, 1);
      await reader.deliveries[0]?.giveBack();
      await arrived(reader, 2);
      expect(textOf(reader.deliveries[1]?.body)).toBe('one');
      expect(reader.deliveries[1]?.attempt).toBeGreaterThan(1);
      await reader.deliveries[1]?.acknowledge();
      await arrived(reader, 3);
      expect(textOf(reader.deliveries[2]?.body)).toBe('two');
    });

    test('puts with the dead letters what was buried, and never hands it out again', async () => {
      for (const text of ['bad', 'good']) await publisher.publish(message(text));
      const reader = consume(queue, 1);
      await arrived(reader, 1);
      await reader.deliveries[0]?.bury('no such table');
      await arrived(reader, 2);
      expect(textOf(reader.deliveries[1]?.body)).toBe('good');
      await reader.deliveries[1]?.acknowledge();
      await counts(0, 1);
    });

    test('ends each delivery once', async () => {
      await publisher.publish(message('one'));
      const reader = consume(queue);
      await arrived(reader, 1);
      const [delivery] = reader.deliveries;
      await delivery?.acknowledge();
      for (const again of [delivery?.acknowledge(), delivery?.giveBack(), delivery?.bury('again')]) {
        await expect(again).rejects.toMatchObject({ code: 'refused' });
      }
    });

    test('stops handing out at the signal; what was handed out can still be ended', async () => {
      await publisher.publish(message('one'));
      const reader = consume(queue, 1);
      await arrived(reader, 1);
      await reader.stop();
      await publisher.publish(message('two'));
      await reader.deliveries[0]?.acknowledge();
      await counts(1, 0);
      expect(reader.deliveries).toHaveLength(1);
    });

    test('hands out to one consumer at a time: the next takes over when it stops', async () => {
      const first = consume(queue);
      await publisher.publish(message('one'));
      await arrived(first, 1);
      const second = consume(await open());
      // One after the other, for long enough that the second is there before the last of them.
      for (let n = 2; n <= 60; n++) {
        await publisher.publish(message(`${n}`));
        await arrived(first, n);
      }
      expect(second.deliveries).toHaveLength(0);
      await Promise.all(first.deliveries.map((delivery) => delivery.acknowledge()));
      await first.stop();
      await publisher.publish(message('four'));
      await arrived(second, 1);
      expect(textOf(second.deliveries[0]?.body)).toBe('four');
    });

    test('survives a crash: what was published is there, what was not ended comes again, the consumer goes on', async () => {
      if (place.crash === undefined) return;
      for (const text of ['ended', 'open', 'waiting']) await publisher.publish(message(text));
      const reader = consume(queue, 2);
      await arrived(reader, 2);
      await reader.deliveries[0]?.acknowledge();
      await arrived(reader, 3);
      await place.crash();
      // Brokers do not confirm acknowledgements: the last ones may be lost with the crash.
      const again = () => reader.deliveries.slice(3).filter(({ body }) => textOf(body) !== 'ended');
      const goOn = async () => {
        for (const delivery of reader.deliveries.slice(3)) {
          if (textOf(delivery.body) === 'ended') await delivery.acknowledge().catch(() => {});
        }
        return again().length >= 2;
      };
      await until('the two that were not ended', goOn);
      expect(again().map(({ body }) => textOf(body))).toEqual(['open', 'waiting']);
      await expect(reader.deliveries[1]?.acknowledge()).rejects.toMatchObject({ code: 'down' });
      await until('it takes messages again', async () => {
        await publisher.publish(message('after'));
        return true;
      });
      for (const delivery of again()) await delivery.acknowledge();
      await until('the last one', async () => textOf(reader.deliveries.at(-1)?.body) === 'after');
    });
  });
}

function message(text: string): QueueMessage {
  return { id: nanoid(), body: Buffer.from(text) };
}

function textOf(body: Uint8Array | undefined): string {
  return Buffer.from(body ?? []).toString();
}
