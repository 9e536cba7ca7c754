// What every port with a server behind it promises when that server is killed, hung or away: typed errors in time, and recovery by itself.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CacheError } from '../../src/cache/errors.ts';
import { until } from '../servers/chorus.ts';

type TestPort = {
  /** One small call that changes nothing that matters. */
  call(): Promise<unknown>;
  close(): Promise<void>;
};

type TestServer = {
  kill(): Promise<void>;
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
};

type Chaos = {
  server(): TestServer;
  /** A handle of its own, with a timeout of some 300 ms. */
  open(): TestPort;
  readonly callsInFlight?: number;
};

export function portChaos(name: string, { server, open, callsInFlight = 50 }: Chaos): void {
  describe(`${name} when its server fails`, () => {
    let port: TestPort;
    beforeEach(async () => {
      port = open();
      await works();
    });
    afterEach(async () => {
      await port.close();
      // A test may have failed half-way.
      server().resume();
      await server().start();
    });

    const works = () => until(`${name} to work`, async () => (await port.call().then(() => true)) === true);

    test('killed: says so at once, again and again; started again: works', async () => {
      await server().kill();
      for (let n = 0; n < 3; n++) expect(['down', 'unknown']).toContain(await outcomeOf(port.call()));
      expect(await outcomeOf(port.call())).toBe('down');
      await server().start();
      await works();
    });

    test('hung: gives up in time; going on: works', async () => {
      await server().pause();
      // A driver that watches its server may end the connection before the call gives up.
      for (let n = 0; n < 2; n++) expect(['timeout', 'down', 'unknown']).toContain(await outcomeOf(port.call()));
      server().resume();
      await works();
    });

    test('away from the beginning: says so; started: works', async () => {
      await server().kill();
      const late = open();
      try {
        expect(await outcomeOf(late.call())).toBe('down');
        await server().start();
        await until(`${name} to work`, async () => (await late.call().then(() => true)) === true);
      } finally {
        await late.close();
      }
    });

    test('hung from the beginning: gives up in time; going on: works', async () => {
      await server().pause();
      const late = open();
      try {
        expect(['timeout', 'down']).toContain(await outcomeOf(late.call()));
        server().resume();
        await until(`${name} to work`, async () => (await late.call().then(() => true)) === true);
      } finally {
        await late.close();
      }
    });

    test('killed amid many calls: every one of them ends', async () => {
      const calls = Array.from({ length: callsInFlight }, () => outcomeOf(port.call()));
      await server().kill();
      for (const outcome of await Promise.all(calls)) expect(['ok', 'down', 'unknown', 'timeout']).toContain(outcome);
      await server().start();
      await works();
    });

    test('closed: leaves nothing waiting', async () => {
      await server().pause();
      const calls = Array.from({ length: callsInFlight }, () => outcomeOf(port.call()));
      await port.close();
      for (const outcome of await Promise.all(calls)) expect(['down', 'unknown', 'timeout']).toContain(outcome);
      server().resume();
    });
  });
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return error instanceof CacheError ? error.code : `not a CacheError: ${error}`;
  }
}
