// A server whose turns are always too long for writes, for the row about refusals: the HTTP layer of Chorus before a node that is never asked for more.
import { pino } from 'pino';
import { startHttpServer } from '../../src/http/server.ts';
import type { NodeApi } from '../../src/node/node-api.ts';

const node: Pick<NodeApi, 'nodeId' | 'revision' | 'lagMs' | 'refusal' | 'tokens'> = {
  nodeId: 'bench',
  revision: () => 1,
  lagMs: () => 0,
  refusal: () => undefined,
  tokens: () => new Map(),
};
const { port } = await startHttpServer({
  node: node as NodeApi,
  host: '127.0.0.1',
  port: 0,
  auth: 'none',
  logger: pino({ level: 'silent' }),
  turn: { requests: -1, writesMs: -1, readsMs: Infinity, keyReadsMs: Infinity },
});
console.log(port);
