// The servers that the settings name, each with what stands in for it inside this process where its setting is left out.
import { type CacheStore, memory, type SqlDatabase, type WriteQueue } from 'chorus/cache';
import { memoryQueue } from 'chorus/cache/queues/memory-queue';
import { rabbitmq } from 'chorus/cache/queues/rabbitmq';
import type { Columns, RowOf } from 'chorus/cache/sources/columns';
import { mongodb } from 'chorus/cache/sources/mongodb';
import { mysqlDatabase } from 'chorus/cache/sources/mysql-database';
import { postgresDatabase } from 'chorus/cache/sources/postgres-database';
import { type RowsSource, rows } from 'chorus/cache/sources/rows';
import { sqliteDatabase } from 'chorus/cache/sources/sqlite-database';
import { memcached } from 'chorus/cache/tiers/memcached';
import { redis } from 'chorus/cache/tiers/redis';
import { type SettingName, type Settings, urlIn } from './settings.ts';
import { withTables } from './tables.ts';

/** `standIn` names the store in this process, where an application has two of them. */
export function redisOrMemory(settings: Settings, standIn?: string): CacheStore {
  const url = urlIn(settings, 'REDIS_URL', ['redis', 'rediss']);
  return url === undefined ? inProcess('REDIS_URL', 'Redis', standIn) : redis({ url });
}

/** Its setting is an address, such as 127.0.0.1:11211. */
export function memcachedOrMemory(settings: Settings, standIn?: string): CacheStore {
  const url = settings('MEMCACHED_URL');
  return url === undefined ? inProcess('MEMCACHED_URL', 'Memcached', standIn) : memcached({ url });
}

/** The documents of a collection, or the rows of a table of the same form, which `makeTable` makes. */
export function mongodbOrSqlite<const Listed extends Columns, const Key extends keyof Listed & string>(
  settings: Settings,
  form: { readonly table: string; readonly columns: Listed; readonly key: Key },
  makeTable: (database: SqlDatabase) => Promise<void>,
): RowsSource<RowOf<Listed>[Key], RowOf<Listed>> {
  const url = urlIn(settings, 'MONGODB_URL', ['mongodb', 'mongodb+srv']);
  if (url === undefined) return rows(withTables(embedded('MONGODB_URL', 'MongoDB'), makeTable), form);
  return mongodb({ url, collection: form.table, columns: form.columns, key: form.key });
}

/** `database`: used instead of the one that the URL names; made where it is absent. SQLite has one of its own, which statements call by no name. */
export function mysqlOrSqlite(settings: Settings, database?: string): SqlDatabase {
  const url = urlIn(settings, 'MYSQL_URL', ['mysql', 'mariadb']);
  if (url === undefined) return embedded('MYSQL_URL', 'MySQL');
  const named = database ?? decodeURIComponent(new URL(url).pathname.slice(1));
  if (named === '') throw new Error('MYSQL_URL names no database: mysql://user:password@host:port/database');
  return mysqlDatabase({ url, database: named });
}

export function postgresOrSqlite(settings: Settings): SqlDatabase {
  const url = urlIn(settings, 'POSTGRES_URL', ['postgres', 'postgresql']);
  return url === undefined ? embedded('POSTGRES_URL', 'PostgreSQL') : postgresDatabase({ url });
}

export function rabbitmqOrMemory(
  settings: Settings,
  names: { readonly exchange: string; readonly routingKey: string; readonly queue: string },
): WriteQueue {
  const url = urlIn(settings, 'AMQP_URL', ['amqp', 'amqps']);
  if (url !== undefined) return rabbitmq({ url, ...names });
  sayStandIn('AMQP_URL', 'RabbitMQ', 'this process queues its own writes for itself');
  return memoryQueue();
}

function inProcess(setting: SettingName, server: string, name = 'memory'): CacheStore {
  sayStandIn(setting, server, 'this process keeps the entries itself');
  return memory({ name });
}

function embedded(setting: SettingName, server: string): SqlDatabase {
  sayStandIn(setting, server, 'SQLite keeps the rows in memory, until this process ends');
  return sqliteDatabase({ file: ':memory:' });
}

function sayStandIn(setting: SettingName, server: string, instead: string): void {
  console.log(`${setting} is not set: instead of ${server}, ${instead}.`);
}
