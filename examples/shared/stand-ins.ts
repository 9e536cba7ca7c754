// The servers that the settings name, each with what stands in for it inside this process where its setting is left out.
import { type CacheStore, memory, type SqlDatabase } from 'chorus/cache';
import { mysqlDatabase } from 'chorus/cache/sources/mysql-database';
import { postgresDatabase } from 'chorus/cache/sources/postgres-database';
import { sqliteDatabase } from 'chorus/cache/sources/sqlite-database';
import { redis } from 'chorus/cache/tiers/redis';
import { type SettingName, type Settings, urlIn } from './settings.ts';

export function redisOrMemory(settings: Settings): CacheStore {
  const url = urlIn(settings, 'REDIS_URL', ['redis', 'rediss']);
  return url === undefined ? inProcess('REDIS_URL', 'Redis') : redis({ url });
}

/** `database`: made where it is absent; SQLite has one of its own, which statements call by no name. */
export function mysqlOrSqlite(settings: Settings, database: string): SqlDatabase {
  const url = urlIn(settings, 'MYSQL_URL', ['mysql', 'mariadb']);
  return url === undefined ? embedded('MYSQL_URL', 'MySQL') : mysqlDatabase({ url, database });
}

export function postgresOrSqlite(settings: Settings): SqlDatabase {
  const url = urlIn(settings, 'POSTGRES_URL', ['postgres', 'postgresql']);
  return url === undefined ? embedded('POSTGRES_URL', 'PostgreSQL') : postgresDatabase({ url });
}

function inProcess(setting: SettingName, server: string): CacheStore {
  sayStandIn(setting, server, 'this process keeps the entries itself');
  return memory();
}

function embedded(setting: SettingName, server: string): SqlDatabase {
  sayStandIn(setting, server, 'SQLite keeps the rows in memory, until this process ends');
  return sqliteDatabase({ file: ':memory:' });
}

function sayStandIn(setting: SettingName, server: string, instead: string): void {
  console.log(`${setting} is not set: instead of ${server}, ${instead}.`);
}
