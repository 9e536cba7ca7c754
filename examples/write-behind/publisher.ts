// Write-behind, the publisher: `publisher.ts -l Smith -f John -a 25` queues a user for the database, and caches it once that is confirmed.
import { parseArgs } from 'node:util';
import { CacheError, type CacheSource, startFlusher, type WriteQueue } from 'chorus/cache';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { mysqlOrSqlite } from '../shared/stand-ins.ts';
import { withTables } from '../shared/tables.ts';
import { cachedUsers, makeUsers, queueIn, storeIn, type User, userOf, usersIn } from './users.ts';

const USAGE = 'Usage: publisher.ts -l <last name> -f <first name> -a <age> [-i <ID, to try again what is unknown>]';

/** As sysexits.h has them. */
const EXIT = { done: 0, usage: 64, unavailable: 69, unknown: 75 } as const;

/** The publisher only writes: it needs no database. */
const UNREAD: CacheSource<string, User> = {
  name: 'none',
  load: async () => undefined,
  ping: async () => {},
  close: async () => {},
};

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const user = userOf(givenBy(args));
    return await publish(user, settingsOf(process.env));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(USAGE);
    return EXIT.usage;
  }
}

function givenBy(args: readonly string[]): Readonly<Record<string, unknown>> {
  const option = (short: string) => ({ type: 'string', short }) as const;
  const options = { last: option('l'), first: option('f'), age: option('a'), id: option('i') };
  const { last, first, age, id } = parseArgs({ args: [...args], options }).values;
  const years = age !== undefined && /^\d{1,3}$/.test(age) ? Number(age) : age;
  return { LastName: last, FirstName: first, age: years, ...(id !== undefined && { ID: id }) };
}

async function publish(user: User, settings: Settings): Promise<number> {
  const queue = queueIn(settings);
  const store = storeIn(settings);
  const cache = cachedUsers({ store, queue, source: UNREAD });
  try {
    const id = await cache.put(user.ID, user);
    const [tier] = store.health();
    const cached = tier?.state === 'down' ? `not cached (${tier.reason})` : `cached as user:${user.ID}`;
    console.log(`Queued as message ${id}, ${cached}: ${JSON.stringify(user)}`);
    if (settings('AMQP_URL') === undefined) await flushHere(queue, settings);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    if (error.isWithoutEffect) {
      console.error(`Not queued, and nothing was cached: ${error.message}`);
      return EXIT.unavailable;
    }
    console.error(`It is unknown whether it was queued, and nothing was cached: ${error.message}`);
    console.error(`To try again is harmless with the same ID: -i ${user.ID}`);
    return EXIT.unknown;
  } finally {
    await cache.close();
  }
}

/** With the queue in this process nobody else can: resolves when the database has the row. */
async function flushHere(queue: WriteQueue, settings: Settings): Promise<void> {
  const database = withTables(mysqlOrSqlite(settings), makeUsers);
  const isDone = Promise.withResolvers<void>();
  const flusher = startFlusher<string, User>({
    queue,
    source: usersIn(database),
    observe({ kind }) {
      if (kind === 'flushed' || kind === 'buried') isDone.resolve();
    },
  });
  await isDone.promise;
  await flusher.stop();
  await database.close();
}
