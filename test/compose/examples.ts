// `npm run test:compose:examples`: each compose file of examples/ is built and started, its servers are killed and come back, all is removed.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { until } from '../servers/chorus.ts';
import { freePort } from '../servers/places.ts';
import { run, whatIsMissing } from './engine.ts';

type ExampleFile = {
  readonly name: string;
  readonly health: string;
  readonly whole: RegExp;
  /** What is killed, one after the other, and what the health page says meanwhile. */
  readonly kills: readonly (readonly [service: string, health: RegExp])[];
};

const OK = /^\{"status":"ok"/;
const DEGRADED = /^\{"status":"degraded"/;

const EXAMPLES: readonly ExampleFile[] = [
  {
    name: 'cache-aside',
    health: '/health',
    whole: OK,
    kills: [
      ['redis', DEGRADED],
      ['mariadb', DEGRADED],
    ],
  },
  {
    name: 'write-through',
    health: '/health',
    whole: OK,
    kills: [
      ['redis', DEGRADED],
      ['postgres', DEGRADED],
    ],
  },
  {
    name: 'cache-tiering',
    health: '/health',
    whole: OK,
    kills: [
      ['memcached', DEGRADED],
      ['redis', DEGRADED],
      ['mongo', DEGRADED],
      ['web-2', OK],
    ],
  },
  {
    name: 'write-behind',
    health: '/health',
    whole: OK,
    kills: [
      ['memcached', DEGRADED],
      ['rabbitmq', DEGRADED],
      ['mariadb', DEGRADED],
    ],
  },
  {
    name: 'pycache',
    health: '/api/health/',
    whole: /"message_broker":"ok"/,
    kills: [['node-2', /"message_broker":"ok"/]],
  },
];

const SOON_MS = 120_000;

async function main(names: readonly string[]): Promise<number> {
  const missing = await whatIsMissing();
  if (missing !== undefined) {
    console.error(`SKIPPED: the compose test needs a running Docker engine with the compose plugin (${missing})`);
    return process.env.CI === 'true' ? 1 : 0;
  }
  let failed = 0;
  for (const example of EXAMPLES) {
    if (names.length > 0 && !names.includes(example.name)) continue;
    failed += (await isSound(example)) ? 0 : 1;
  }
  return failed === 0 ? 0 : 1;
}

async function isSound(example: ExampleFile): Promise<boolean> {
  const { name, health, whole, kills } = example;
  const port = await freePort();
  const environment = { PUBLISHED_PORT: String(port) };
  const folder = resolve(import.meta.dirname, '../../examples', name);
  const project = `chorus-test-${name}`;
  const compose = (...words: readonly string[]) =>
    docker(environment, 'compose', '-f', `${folder}/docker-compose.yml`, '-p', project, ...words);
  const says = async () => (await fetch(`http://127.0.0.1:${port}${health}`)).text();
  try {
    if (existsSync(`${folder}/secrets.sh`)) await sh(`${folder}/secrets.sh`);
    await compose('up', '--build', '-d', '--wait');
    await until(`${name} is whole`, async () => whole.test(await says()), SOON_MS);
    for (const [service, meanwhile] of kills) {
      await docker(environment, 'kill', `${project}-${service}-1`);
      await until(`${name} says that ${service} was killed`, async () => meanwhile.test(await says()), SOON_MS);
      await docker(environment, 'start', `${project}-${service}-1`);
      await until(`${name} is whole again after ${service}`, async () => whole.test(await says()), SOON_MS);
    }
    console.log(
      `${name}: came up; went on without ${kills.map(([service]) => service).join(', ')}, and was whole again`,
    );
    return true;
  } catch (error) {
    console.error(`FAILED: ${name}: ${messageOf(error)}`);
    return false;
  } finally {
    await compose('down', '-v', '--timeout', '20');
  }
}

async function docker(environment: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<void> {
  const { status, output } = await run('docker', words, environment);
  if (status !== 0) throw new Error(`docker ${words.join(' ')} ended with ${status}:\n${output}`);
}

async function sh(script: string): Promise<void> {
  const { status, output } = await run('sh', [script], {});
  if (status !== 0) throw new Error(`${script} ended with ${status}:\n${output}`);
}

process.exitCode = await main(process.argv.slice(2));
