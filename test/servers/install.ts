// Installs the real servers that tests use: `node test/servers/install.ts [kafka] [redis] …`, all without arguments; quick when all is there.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { messageOf } from '../../src/base/errors.ts';
import { JAVA_ADVICE } from './java.ts';
import { installKafka, isKafkaInstalled } from './kafka-files.ts';
import { installMongodb, isMongodbInstalled } from './mongodb-files.ts';

const SERVERS = [
  'kafka',
  'nginx',
  'redis',
  'memcached',
  'mariadb',
  'postgres',
  'rabbitmq',
  'etcd', // for the bench alone
  'openssl', // makes certificates
  'mongodb', // a stand-in: see mongodb.ts
  'faketime', // no server: the library that gives a process another clock, for the drill
] as const;
export type ServerName = (typeof SERVERS)[number];

type Recipe = { isInstalled(): boolean; install(): Promise<void>; readonly advice: string };

const RECIPES: Record<ServerName, Recipe> = {
  kafka: { isInstalled: isKafkaInstalled, install: installKafka, advice: JAVA_ADVICE },
  nginx: debianPackage('nginx', '/usr/sbin/nginx'),
  redis: debianPackage('redis-server', '/usr/bin/redis-server'),
  memcached: debianPackage('memcached', '/usr/bin/memcached'),
  mariadb: debianPackage('mariadb-server', '/usr/sbin/mariadbd'),
  postgres: debianPackage('postgresql', '/usr/lib/postgresql/*/bin/postgres'),
  rabbitmq: debianPackage('rabbitmq-server', '/usr/lib/rabbitmq/bin/rabbitmq-server'),
  mongodb: { isInstalled: isMongodbInstalled, install: installMongodb, advice: JAVA_ADVICE },
  etcd: debianPackage('etcd-server', '/usr/bin/etcd'),
  openssl: debianPackage('openssl', '/usr/bin/openssl'),
  faketime: debianPackage('libfaketime', '/usr/lib/*/faketime/libfaketime.so.1'),
};

export function isInstalled(name: ServerName): boolean {
  return process.platform === 'linux' && RECIPES[name].isInstalled();
}

export function adviceFor(name: ServerName): string {
  return RECIPES[name].advice;
}

/** Installs one server unless it is there; rejects with a sentence that says how to get it. */
async function install(name: ServerName): Promise<void> {
  if (isInstalled(name)) return;
  if (process.platform !== 'linux') throw new Error(`${name} is only run on Linux`);
  await RECIPES[name].install();
  if (!isInstalled(name)) throw new Error(`${name} was installed but is not where it is looked for`);
}

/** A package that is there when `file` is; one folder of its path may be `*`. */
function debianPackage(packageName: string, file: string): Recipe {
  return {
    isInstalled: () => globSync(file).length > 0,
    install: async () => installDebianPackage(packageName),
    advice: `needs root on Debian, or install it by hand (apt-get install ${packageName}) so that ${file} exists`,
  };
}

function installDebianPackage(name: string): void {
  if (process.getuid?.() !== 0) throw new Error(`only root can install the Debian package ${name}`);
  // Says no to every service that a package would start by itself: tests start their own.
  const policy = '/usr/sbin/policy-rc.d';
  if (!existsSync(policy)) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const patience = ['-o', 'DPkg::Lock::Timeout=400'];
  run('apt-get', [...patience, 'update', '-q']);
  run('apt-get', [...patience, 'install', '-y', '-q', '--no-install-recommends', name]);
}

function run(command: string, args: readonly string[]): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync(command, args, { encoding: 'utf8', env: environment });
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed: ${result.error?.message ?? ''}${result.stderr}`);
  }
}

async function main(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.filter((name) => !SERVERS.some((server) => server === name));
  if (unknown.length > 0) throw new Error(`no such server: ${unknown.join(', ')}; there are ${SERVERS.join(', ')}`);
  for (const name of SERVERS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const begun = performance.now();
    await install(name);
    console.log(`${name}: ready to be started (${Math.round(performance.now() - begun)} ms)`);
  }
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(messageOf(error));
    process.exitCode = 1;
  });
}
