// The row about what a refusal costs an overloaded node: from the bytes of its connection, beside one by way of Node's parser and answers.
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchOptions, Contest, Contestant, Row } from './contest.ts';
import { startScript } from './servers.ts';

const WARM_UP_MS = 500;

export const refusalRow: Row = {
  name: 'refusal',
  help: "refusals of writes of 100 B by an overloaded node, from the connection's bytes, beside those by way of Node's HTTP server",
  needs: [],
  figures: {
    processor: { unit: 'µs a refusal', better: 'less' },
    rate: { unit: 'refusals/s', better: 'more' },
  },
  warmsUp: true,
  open,
};

async function open({ seconds, connections }: BenchOptions): Promise<Contest> {
  const side = await startScript('a server that refuses writes', 'refusing-server.ts');
  const contestant = (name: string, headers: string): Contestant => ({
    name,
    async measure() {
      const load = new Load(side.port, connections, headers);
      await delay(WARM_UP_MS);
      const [before, beganMs, answeredBefore] = [side.processorMicroseconds(), performance.now(), load.answered];
      await delay(seconds * 1000);
      const processor = side.processorMicroseconds() - before;
      const [answered, tookMs] = [load.answered - answeredBefore, performance.now() - beganMs];
      load.end();
      return { processor: processor / answered, rate: (answered * 1000) / tookMs };
    },
  });
  return {
    // Whether an id was used elsewhere only a parsed request tells.
    contestants: [contestant('from bytes', ''), contestant('by way of Node', 'Idempotency-Key: a\r\n')],
    close: () => side.stop(),
  };
}

/** The same write on each connection, again and again, as soon as the one before was refused. */
class Load {
  answered = 0;
  readonly #sockets: readonly Socket[];

  constructor(port: number, connections: number, headers: string) {
    const head = `PUT /v1/keys/bench HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: 100\r\n\r\n`;
    const request = head + 'v'.repeat(100);
    this.#sockets = Array.from({ length: connections }, () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.on('data', (answer: Buffer) => {
        if (answer.toString('latin1', 9, 12) !== '429') throw new Error(`not refused: ${answer.toString('latin1')}`);
        this.answered++;
        socket.write(request, 'latin1');
      });
      socket.write(request, 'latin1');
      return socket;
    });
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
