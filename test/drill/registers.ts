// Clients that fight over a few registers, through the balancer and at each node: every request and its answer is kept for the checker.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryEntry, RegisterAction } from './history.ts';
import { type Answered, ask, keyPath, type Lost, type Target } from './requests.ts';
import type { Tally } from './tally.ts';

type RegisterLoad = {
  readonly clients: number;
  readonly pauseMs: number;
  /** The balancer first. */
  readonly targets: readonly { readonly name: string; readonly target: Target }[];
  readonly tally: Tally;
  random(): number;
};

/** All clients use the same few registers for so long, then others: no register's history becomes too long to be checked. */
const EPOCH_MS = 10_000;
const REGISTERS = 4;
const TIMEOUT_MS = 8_000;
const REFUSED_PAUSE_MS = 250;
const ACTIONS: readonly RegisterAction[] = [
  ...Array<RegisterAction>(7).fill('get'),
  ...Array<RegisterAction>(4).fill('put'),
  ...Array<RegisterAction>(5).fill('replace'),
  ...Array<RegisterAction>(2).fill('create'),
  ...Array<RegisterAction>(2).fill('delete'),
];

/** Adds to the history until the signal aborts. Nothing is tried twice here: what stays unknown is found in the log. */
export async function fightOverRegisters(
  load: RegisterLoad,
  history: HistoryEntry[],
  signal: AbortSignal,
): Promise<void> {
  // By register, what anybody saw last: the ETag and value that a conditional write names.
  const seen = new Map<string, { readonly revision: number; readonly value: string }>();
  const work = async (n: number) => {
    const { name, target } = load.targets[n % load.targets.length] ?? { name: '', target: undefined };
    if (target === undefined) return;
    while (!signal.aborted) {
      const entry = await actOnce({ client: `client-${n + 1}`, via: name, target }, load, seen);
      if (entry !== undefined) history.push(entry);
      await delay(entry === undefined ? REFUSED_PAUSE_MS : load.pauseMs * (0.5 + load.random()));
    }
  };
  await Promise.all(Array.from({ length: load.clients }, (_, n) => work(n)));
}

type Seen = Map<string, { readonly revision: number; readonly value: string }>;
type Who = { readonly client: string; readonly via: string; readonly target: Target };

/** Undefined where nobody was there to be asked. */
async function actOnce(who: Who, load: RegisterLoad, seen: Seen): Promise<HistoryEntry | undefined> {
  const { tally, random } = load;
  const start = tally.timeline.sinceStart();
  const key = `register/${Math.floor(start / EPOCH_MS)}/${Math.floor(random() * REGISTERS)}`;
  const last = seen.get(key);
  const drawn = ACTIONS[Math.floor(random() * ACTIONS.length)] ?? 'get';
  const action = drawn === 'replace' && last === undefined ? 'create' : drawn;
  const id = randomUUID();
  // No two writes write the same value: an ETag and a value name each other.
  const argument = action === 'get' || action === 'delete' ? '' : id;
  const expected = action === 'replace' ? last : undefined;
  const answer = await ask(who.target, questionOf(action, key, id, expected?.revision), TIMEOUT_MS);
  const end = tally.timeline.sinceStart();
  if (answer.kind === 'lost' && answer.trouble.includes('ECONNREFUSED')) {
    tally.fail('register: ECONNREFUSED');
    return undefined;
  }
  noteSeen(seen, key, action, argument, answer);
  if (answer.kind === 'answered' && answer.status < 300 && action !== 'get') {
    tally.acknowledge(performance.now() - (end - start), 1);
  } else if (answer.kind === 'lost' || answer.status >= 500) {
    tally.fail(answer.kind === 'lost' ? `register: ${answer.trouble}` : `register: ${answer.status}`);
  }
  return {
    client: who.client,
    via: who.via,
    key,
    action,
    id,
    argument,
    ...(expected === undefined ? {} : { expected: expected.value }),
    start,
    end,
    status: answer.kind === 'answered' ? answer.status : 0,
    revision: answer.kind === 'answered' && Number.isFinite(answer.revision) ? answer.revision : 0,
    body: answer.kind === 'answered' && action === 'get' && answer.status === 200 ? answer.body : '',
    saysNotApplied: answer.kind === 'answered' && answer.body.includes('"outcome":"not-applied"'),
  };
}

function questionOf(action: RegisterAction, key: string, id: string, revision: number | undefined) {
  const headers = { 'idempotency-key': id, 'content-type': 'text/plain' };
  const path = keyPath(key);
  switch (action) {
    case 'get':
      return { method: 'GET', path: `${path}?consistency=linearizable` } as const;
    case 'put':
      return { method: 'PUT', path, headers, body: id } as const;
    case 'create':
      return { method: 'PUT', path, headers: { ...headers, 'if-none-match': '*' }, body: id } as const;
    case 'replace':
      return { method: 'PUT', path, headers: { ...headers, 'if-match': `"${revision}"` }, body: id } as const;
    case 'delete':
      return { method: 'DELETE', path, headers: { 'idempotency-key': id } } as const;
  }
}

function noteSeen(seen: Seen, key: string, action: RegisterAction, argument: string, answer: Answered | Lost): void {
  if (answer.kind === 'lost' || answer.status >= 300 || action === 'delete') return;
  const value = action === 'get' ? answer.body : argument;
  if (answer.revision > (seen.get(key)?.revision ?? 0)) seen.set(key, { revision: answer.revision, value });
}
