// Write-behind, the consumer: takes users from the queue, inserts them in batches, commits, then acknowledges. With a page for people.
import { type CacheEvent, type Observe, startFlusher } from 'chorus/cache';
import { createActivity } from '../shared/activity.ts';
import { type Application, run } from '../shared/application.ts';
import { RequestError } from '../shared/failures.ts';
import { isUuid, objectIn } from '../shared/given.ts';
import { pingedPart, tierParts } from '../shared/parts.ts';
import type { Settings } from '../shared/settings.ts';
import { mysqlOrSqlite } from '../shared/stand-ins.ts';
import { makeTables, withTables } from '../shared/tables.ts';
import { cachedUsers, makeUsers, queueIn, storeIn, type User, userOf, usersIn } from './users.ts';

const LISTED = 100;

await run(consumerApplication);

async function consumerApplication(settings: Settings): Promise<Application> {
  const activity = createActivity();
  let committed = 0;
  const observe: Observe = (event) => {
    if (event.kind === 'flushed') committed += event.writes;
    tell(event);
    activity.observe(event);
  };
  const store = storeIn(settings, observe);
  const queue = queueIn(settings);
  const database = withTables(mysqlOrSqlite(settings), makeUsers);
  await makeTables(database);
  const source = usersIn(database);
  const cache = cachedUsers({ store, queue, source, observe });
  const flusher = startFlusher<string, User>({ queue, source, observe });

  return {
    name: 'write-behind',
    about: 'Users: a new one is queued and cached when its answer is given; the database has it a moment later.',
    usualPort: 5001,
    activity,
    parts: [
      tierParts(store),
      pingedPart('queue', { name: queue.name, ping: () => queue.count() }),
      pingedPart('source', database),
    ],
    tries: [
      { method: 'POST', path: '/users', body: { LastName: 'Smith', FirstName: 'John', age: 25 } },
      { method: 'GET', path: '/users' },
      { method: 'GET', path: '/health' },
    ],

    async figures() {
      const none = { waiting: '?', dead: '?' };
      const { waiting, dead } = await queue.count().catch(() => none);
      return [
        { label: 'Wait in the queue', value: waiting },
        { label: 'Committed by this process', value: committed },
        { label: 'Dead letters', value: dead },
      ];
    },

    routes(app) {
      app.post('/users', async (request, response) => {
        const user = userIn(request.body);
        const message = await cache.put(user.ID, user);
        response.status(202).json({ message: 'User queued', id: message, data: user });
      });

      app.get('/user/:id', async (request, response) => {
        const { value, from, status } = await cache.look(idIn(request.params.id));
        if (value === undefined) throw new RequestError(404, 'User not found');
        response.set('Cache-Status', status).json({ source: from, data: value });
      });

      app.get('/users', async (_, response) => {
        response.json({ source: database.name, data: await source.list({ limit: LISTED }) });
      });
    },

    async close() {
      await flusher.stop();
      await cache.close();
      await database.close();
    },
  };
}

/** Of what became of the writes, a line each. */
function tell(event: CacheEvent): void {
  if (event.kind === 'flushed') console.log(`Committed: writes=${event.writes} rows=${event.rows}`);
  if (event.kind === 'buried') console.error(`Put with the dead letters: message=${event.id}, because ${event.reason}`);
}

function userIn(body: unknown): User {
  try {
    return userOf(objectIn(body));
  } catch (error) {
    throw new RequestError(400, error instanceof Error ? error.message : String(error));
  }
}

function idIn(text: string): string {
  if (!isUuid(text)) throw new RequestError(404, 'User not found');
  return text.toLowerCase();
}
