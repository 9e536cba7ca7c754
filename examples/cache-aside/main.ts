// Cache-aside: fruit in MySQL or MariaDB with Redis beside it. The application asks the cache, and says how to load what it lacks.
import { cacheAside, type SqlDatabase, tiers } from 'chorus/cache';
import { createActivity } from '../shared/activity.ts';
import { type Application, run } from '../shared/application.ts';
import { RequestError } from '../shared/failures.ts';
import { pingedPart, tierParts } from '../shared/parts.ts';
import type { Settings } from '../shared/settings.ts';
import { mysqlOrSqlite, redisOrMemory } from '../shared/stand-ins.ts';
import { insertFirst, makeTables, withTables } from '../shared/tables.ts';

type Fruit = { readonly id: number; readonly name: string; readonly quantity: number };

await run(cacheAsideApplication);

async function cacheAsideApplication(settings: Settings): Promise<Application> {
  const activity = createActivity();
  const { observe } = activity;
  const store = tiers([redisOrMemory(settings)], { observe });
  const database = withTables(mysqlOrSqlite(settings, 'grocerydb'), makeFruit);
  await makeTables(database);

  const cache = cacheAside<number, Fruit>({
    store,
    sourceName: database.name,
    prefix: 'fruit:',
    ttl: '1m',
    negativeTtl: '5s',
    observe,
  });

  return {
    name: 'cache-aside',
    about: 'Fruit, looked up in the cache first, then in the database; what the database said is kept for a minute.',
    usualPort: 5000,
    activity,
    parts: [tierParts(store), pingedPart('source', database)],
    tries: ['/fruit/1', '/fruit/2', '/fruit/3', '/fruit/9', '/health'].map((path) => ({ method: 'GET', path })),

    routes(app) {
      app.get('/fruit/:id', async (request, response) => {
        const id = idIn(request.params.id);
        const { value, from, status } = await cache.look(id, () => loadFruit(database, id));
        if (value === undefined) throw new RequestError(404, 'Fruit not found');
        response.set('Cache-Status', status).json({ data: value, from_cache: from !== database.name });
      });
    },

    async close() {
      await cache.close();
      await database.close();
    },
  };
}

async function loadFruit(database: SqlDatabase, id: number): Promise<Fruit | undefined> {
  const { rows } = await database.run('SELECT id, name, quantity FROM fruit WHERE id = ?', [id]);
  return rows.map((row) => ({ id: Number(row.id), name: String(row.name), quantity: Number(row.quantity) }))[0];
}

async function makeFruit(database: SqlDatabase): Promise<void> {
  const columns = 'id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, quantity INTEGER NOT NULL';
  await database.run(`CREATE TABLE IF NOT EXISTS fruit (${columns})`);
  const first = [
    [1, 'apple', 100],
    [2, 'orange', 200],
    [3, 'pear', 300],
  ];
  await insertFirst(database, 'fruit', ['id', 'name', 'quantity'], first);
}

/** What is no number names no fruit. */
function idIn(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RequestError(404, 'Fruit not found');
  return Number(text);
}
