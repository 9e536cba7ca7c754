// Tiers: users in MongoDB, with Redis in front of it and Memcached in front of that. Reads ask the nearest first and fill upwards.
import { CacheError, tiers, writeThrough } from 'chorus/cache';
import { createActivity } from '../shared/activity.ts';
import { type Application, run } from '../shared/application.ts';
import { RequestError } from '../shared/failures.ts';
import { objectIn } from '../shared/given.ts';
import { pingedPart, tierParts } from '../shared/parts.ts';
import type { Settings } from '../shared/settings.ts';
import { memcachedOrMemory, redisOrMemory } from '../shared/stand-ins.ts';
import { type User, usersIn } from './users.ts';

type Fields = Partial<Omit<User, 'id'>>;

/** As people know them; what stands in for one goes by its own name. */
const SOURCE_NAMES: Readonly<Record<string, string>> = { memcached: 'Memcached', redis: 'Redis', mongodb: 'MongoDB' };
const MAX_USERS = 10_000;
/** What a hung tier costs each process, once. */
const TIER_TIMEOUT = '1s' as const;

await run(cacheTieringApplication);

async function cacheTieringApplication(settings: Settings): Promise<Application> {
  const activity = createActivity();
  const { observe } = activity;
  const nearest = { store: memcachedOrMemory(settings, 'memory-l1'), timeout: TIER_TIMEOUT };
  const farther = { store: redisOrMemory(settings, 'memory-l2'), timeout: TIER_TIMEOUT };
  const store = tiers([nearest, farther], { observe });
  const source = usersIn(settings);
  const policy = { store, ttl: '1h', observe } as const;
  const users = writeThrough<number, User>({ ...policy, source, prefix: 'user:', negativeTtl: '5s' });
  const lists = writeThrough<'all_users', readonly User[]>({
    ...policy,
    source: { ...source, load: (_, call) => source.list({ ...call, limit: MAX_USERS }), close: async () => {} },
  });

  /** The list changes with each of its users: both are held while the database is written. */
  async function write(id: number, change: () => Promise<User | undefined>): Promise<void> {
    await lists.write('all_users', async () => {
      await users.write(id, change);
      return undefined;
    });
  }

  async function add(user: User): Promise<void> {
    try {
      await write(user.id, async () => {
        await source.insert(user);
        return user;
      });
    } catch (error) {
      const isThere = error instanceof CacheError && error.refusal === 'conflict';
      throw isThere ? new RequestError(409, `User with ID ${user.id} already exists`) : error;
    }
  }

  async function edit(id: number, fields: Fields): Promise<'changed' | 'unchanged' | 'missing'> {
    let result: Awaited<ReturnType<typeof edit>> = 'missing';
    await write(id, async () => {
      const before = await source.load(id);
      // The other fields are left as they are: two who edit one user at once do not undo each other.
      const user = before && (await source.change(id, fields));
      if (before === undefined || user === undefined) return undefined;
      result = before.name === user.name && before.email === user.email ? 'unchanged' : 'changed';
      return user;
    });
    return result;
  }

  async function remove(id: number): Promise<boolean> {
    let isRemoved = false;
    await write(id, async () => {
      isRemoved = await source.remove(id);
      return undefined;
    });
    return isRemoved;
  }

  return {
    name: 'cache-tiering',
    about:
      'Users, looked up in Memcached first, then in Redis, then in MongoDB; what was found is kept nearer for an hour.',
    usualPort: 5000,
    activity,
    parts: [tierParts(store), pingedPart('source', source)],
    tries: [
      { method: 'GET', path: '/user/1' },
      { method: 'GET', path: '/user/99' },
      { method: 'GET', path: '/users' },
      { method: 'POST', path: '/add_user', body: { id: 5, name: 'accord prom', email: 'accord@unidev.com' } },
      { method: 'PUT', path: '/edit_user/1', body: { id: 1, name: 'criminal', email: 'criminal@admin.com' } },
      { method: 'DELETE', path: '/delete_user/5' },
      { method: 'GET', path: '/health' },
    ],

    routes(app) {
      app.get('/user/:id', async (request, response) => {
        const { value, from, status } = await users.look(idIn(request.params.id));
        if (value === undefined) throw notFound();
        response.set('Cache-Status', status).json({ source: SOURCE_NAMES[from] ?? from, data: value });
      });

      app.get('/users', async (_, response) => {
        const { value, from, status } = await lists.look('all_users');
        response.set('Cache-Status', status).json({ source: SOURCE_NAMES[from] ?? from, data: value });
      });

      app.post('/add_user', async (request, response) => {
        const user = newUserIn(request.body);
        await add(user);
        response.status(201).json({ message: 'User added successfully', data: user });
      });

      app.put('/edit_user/:id', async (request, response) => {
        const id = idIn(request.params.id);
        const result = await edit(id, fieldsIn(id, request.body));
        if (result === 'missing') throw notFound();
        const isChanged = result === 'changed';
        response.json({
          message: isChanged ? `User with ID ${id} updated successfully` : `No changes made to user with ID ${id}`,
        });
      });

      app.delete('/delete_user/:id', async (request, response) => {
        const id = idIn(request.params.id);
        if (!(await remove(id))) throw notFound();
        response.json({ message: `User with ID ${id} deleted successfully` });
      });
    },

    async close() {
      await Promise.all([lists.close(), users.close()]);
    },
  };
}

function notFound(): RequestError {
  return new RequestError(404, 'User not found');
}

/** What is no number names no user. */
function idIn(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw notFound();
  return Number(text);
}

function newUserIn(body: unknown): User {
  const { id, name, email } = objectIn(body);
  if (!isId(id) || !isText(name) || !isText(email)) {
    throw new RequestError(400, 'Missing required fields (id, name, email)');
  }
  return { id, name, email };
}

function fieldsIn(id: number, body: unknown): Fields {
  const { id: given = id, name, email } = objectIn(body);
  if (name === undefined && email === undefined) throw new RequestError(400, 'No fields to update');
  if (given !== id) throw new RequestError(400, 'The id of a user cannot be changed');
  if (!isTextOrAbsent(name) || !isTextOrAbsent(email)) throw new RequestError(400, 'name and email must be text');
  return { ...(name !== undefined && { name }), ...(email !== undefined && { email }) };
}

/** As long as those of a path. */
function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 1e15;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1000;
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || isText(value);
}
