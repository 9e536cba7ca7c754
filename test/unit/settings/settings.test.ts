// The settings: where each may come from, which source goes first, and that every mistake is named.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT, FatalError } from '../../../src/base/errors.ts';
import type { Setting } from '../../../src/setting-kinds.ts';
import { NotA } from '../../../src/setting-kinds.ts';
import { SETTING_TABLE } from '../../../src/setting-table.ts';
import { type Program, readFlags, readSettings, type Settings } from '../../../src/settings.ts';
import { helpText } from '../../../src/settings-help.ts';

const rows = Object.entries<Setting<unknown>>(SETTING_TABLE);
const known = { hostName: 'stage', host: '127.0.0.1', port: 8001 };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chorus-settings-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

type Given = { words?: string[]; environment?: Record<string, string>; config?: string; program?: Program };

function read(given: Given = {}): Promise<Settings> {
  if (given.config !== undefined) writeFileSync(join(directory, 'config.ts'), given.config);
  const program = given.program ?? 'node';
  return (async () =>
    readSettings({
      program,
      flags: readFlags(program, given.words ?? []),
      environment: given.environment ?? {},
      directory,
      hostName: 'stage',
    }))();
}

async function refusal(given: Given): Promise<string> {
  const error: unknown = await read(given).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FatalError)) throw new Error('was not refused', { cause: error });
  expect(error.exitCode).toBe(EXIT.badConfiguration);
  return error.message;
}

test('without any source every setting has its default', async () => {
  expect(await read()).toMatchObject({
    nodeId: 'stage',
    http: {
      host: '127.0.0.1',
      port: 8001,
      address: '127.0.0.1:8001',
      allowedHosts: [],
      conditionalPrefixes: [],
      defaultConsistency: 'eventual',
    },
    auth: 'none',
    log: { kind: 'embedded', kafka: { brokers: [], topic: 'chorus.commands' } },
    dataDir: './data',
    limits: { maxValueBytes: 1_048_576 },
    drainDelay: 500,
    cluster: { nodes: 3, gatewayPort: 8080 },
  });
});

test('a flag goes before its variable, a variable before config.ts, config.ts before the default', async () => {
  const config = 'export const config = { http: { port: 3 } };';
  expect((await read({ config })).http.port).toBe(3);
  expect((await read({ config, environment: { CHORUS_PORT: '2' } })).http.port).toBe(2);
  expect((await read({ config, environment: { CHORUS_PORT: '2' }, words: ['--port', '1'] })).http.port).toBe(1);
});

test('an empty variable counts as none', async () => {
  expect((await read({ environment: { CHORUS_PORT: '', CHORUS_CONFIG: '' } })).http.port).toBe(8001);
});

test('a flag is written with a blank or with an equals sign', async () => {
  expect((await read({ words: ['--data-dir=a=b', '--log', 'memory'] })).dataDir).toBe('a=b');
});

test('lists, sizes and durations may be written as config.ts likes them', async () => {
  const config = `export const config = { log: { kind: 'kafka', kafka: { brokers: ['a:1', '[::1]:2'] } },
    limits: { maxMemory: '64MiB', maxValueBytes: 10 }, drainDelay: 2, startTimeout: '1500ms' };`;
  expect(await read({ config })).toMatchObject({
    log: { kafka: { brokers: ['a:1', '[::1]:2'] } },
    limits: { maxMemory: 67_108_864, maxValueBytes: 10 },
    drainDelay: 2000,
    startTimeout: 1500,
  });
});

test('--config names another file, and a missing one is an error', async () => {
  writeFileSync(join(directory, 'other.ts'), 'export const config = { http: { port: 9 } };');
  expect((await read({ words: ['--config', 'other.ts'] })).http.port).toBe(9);
  expect((await read({ environment: { CHORUS_CONFIG: 'other.ts' } })).http.port).toBe(9);
  expect(await refusal({ words: ['--config', 'none.ts'] })).toContain('there is no file none.ts');
});

test('tokens are asked for unless the address is loopback, or something else is said', async () => {
  expect((await read({})).auth).toBe('none');
  expect((await read({ words: ['--host', '::1'] })).auth).toBe('none');
  expect((await read({ words: ['--host', '0.0.0.0'] })).auth).toBe('tokens');
  expect((await read({ words: ['--host', '0.0.0.0', '--auth', 'none'] })).auth).toBe('none');
  expect((await read({ environment: { CHORUS_AUTH: 'tokens', CHORUS_TOKEN: 'of the command line' } })).auth).toBe(
    'tokens',
  );
});

test('a token that stands where its digest belongs is not repeated', async () => {
  const message = await refusal({ environment: { CHORUS_ADMIN_TOKEN_SHA256: 'chorus_secret' } });
  expect(message).toContain('adminTokenSha256');
  expect(message).not.toContain('chorus_secret');
});

test('an address is worked out from what is listened on', async () => {
  const open = await read({ words: ['--host', '0.0.0.0', '--auth', 'none', '--port', '7'] });
  expect(open.http.address).toBe('stage:7');
  expect((await read({ words: ['--host', '::1'] })).http.address).toBe('[::1]:8001');
  expect((await read({ words: ['--address', 'x:1'] })).http.address).toBe('x:1');
});

test.each<[string, Given, string[]]>([
  ['an unknown flag', { words: ['--prot', '1'] }, ['--prot', '--port']],
  ['a flag without a value', { words: ['--port'] }, ['--port needs a value']],
  ['a flag followed by a flag', { words: ['--port', '--host'] }, ['--port needs a value']],
  ['a flag given twice', { words: ['--port', '1', '--port=2'] }, ['--port is given twice']],
  ['a word that is no flag', { words: ['start'] }, ['"start"']],
  ['an unknown variable', { environment: { CHORUS_PROT: '1' } }, ['CHORUS_PROT', 'CHORUS_PORT']],
  ['an unknown setting', { config: 'export const config = { http: { prot: 1 } };' }, ['http.prot', 'http.port']],
  ['an unknown group', { config: 'export const config = { htp: { port: 1 } };' }, ['htp']],
  ['a value in the place of a group', { config: 'export const config = { http: 8001 };' }, ['http in ']],
  ['a group in the place of a value', { config: 'export const config = { dataDir: {} };' }, ['dataDir in ']],
  ['a misspelt group', { config: 'export const config = { htp: { port: 1 } };' }, ['htp in ', '"http"']],
  ['a misspelt setting', { config: 'export const config = { http: { prot: 1 } };' }, ['http.prot in ', '"http.port"']],
  ['a setting outside its group', { config: 'export const config = { port: 1 };' }, ['port in ', '"http.port"']],
  ['a config.ts without config', { config: 'export default {};' }, ['export const config']],
  ['a config.ts that throws', { config: 'throw new Error("broken inside");' }, ['config.ts', 'broken inside']],
  ['a bad flag value', { words: ['--port', '65536'] }, ['--port (http.port)', '1 to 65535', '"65536"']],
  ['a bad variable', { environment: { CHORUS_LOG: 'Kafka' } }, ['CHORUS_LOG (log.kind)', 'embedded, kafka, memory']],
  [
    'a bad config value',
    { config: 'export const config = { drainDelay: -1 };' },
    ['drainDelay in ', 'duration', '"-1"'],
  ],
  ['a node id that is no file name', { words: ['--node-id', '../x'] }, ['--node-id (nodeId)']],
  ['a node id that is a directory of all', { words: ['--node-id', 'log'] }, ['--node-id (nodeId)']],
  ['a node id too long', { words: ['--node-id', 'n'.repeat(65)] }, ['--node-id (nodeId)']],
  ['kafka without brokers', { words: ['--log', 'kafka'] }, ['log.kafka.brokers']],
  ['a digest that is none', { words: ['--admin-token-sha256', 'A'.repeat(64)] }, ['adminTokenSha256', 'not the token']],
  ['a flag of the cluster for a node', { words: ['--nodes', '3'] }, ['--nodes', 'npm start']],
  ['a flag of a node for the cluster', { program: 'cluster', words: ['--node-id', 'a'] }, ['--node-id', 'single node']],
  ['a memory log for many nodes', { program: 'cluster', words: ['--log', 'memory'] }, ['log.kind']],
  ['a gateway on a node’s port', { program: 'cluster', words: ['--gateway-port', '8002'] }, ['cluster.gatewayPort']],
  ['ports beyond the last', { program: 'cluster', words: ['--port', '65534'] }, ['http.port', '65535']],
])('%s is refused by name', async (_, given, named) => {
  const message = await refusal(given);
  for (const part of named) expect(message).toContain(part);
});

test('whatever is written as a value of whatever setting, it is read or refused, never thrown', () => {
  fc.assert(
    fc.property(fc.constantFrom(...rows), fc.string({ unit: 'binary' }), ([, row], written) => {
      const value = row.parse(written);
      expect(value !== undefined && !Number.isNaN(value)).toBe(true);
      if (value instanceof NotA) expect(value.mustBe).not.toBe('');
    }),
    { numRuns: 2000 },
  );
});

test('words of chance are settings or a refusal with exit code 64', async () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(...rows.map(([, row]) => `--${row.flag}`)),
    fc.constantFrom('--port=1', '1', 'kafka', '--=', '--', '-', '--constructor=1', '--__proto__=x'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (words) => {
      const error: unknown = await read({ words }).catch((reason: unknown) => reason);
      if (error instanceof Error) expect(error).toBeInstanceOf(FatalError);
    }),
  );
});

test('flags, variables and names are each used once', () => {
  for (const values of [rows.map(([, row]) => row.flag), rows.map(([, row]) => row.variable)]) {
    expect(new Set(values).size).toBe(values.length);
  }
});

test('the default of every setting is one of its values', () => {
  for (const [name, row] of rows) {
    const fallback: unknown = typeof row.fallback === 'function' ? row.fallback(known) : row.fallback;
    if (Array.isArray(fallback)) continue;
    const isMilliseconds = row.placeholder === '<duration>';
    const read = row.parse(isMilliseconds ? `${String(fallback)}ms` : String(fallback));
    expect(read, name).toBe(fallback);
  }
});

test.each<Program>(['node', 'cluster'])('the help of a %s names every flag that it takes, and no other', (program) => {
  const help = helpText(program);
  for (const [name, row] of rows) {
    const isTaken = row.onlyFor === undefined || row.onlyFor === program;
    expect(help.includes(`--${row.flag} ${row.placeholder}`), name).toBe(isTaken);
    expect(help.includes(row.variable), name).toBe(isTaken);
  }
});

test('config.sample.ts says every setting, and as it stands changes none', async () => {
  const sample = resolve(import.meta.dirname, '../../../config.sample.ts');
  const lines = readFileSync(sample, 'utf8');
  for (const [name] of rows) {
    const leaf = name.split('.').at(-1);
    expect(new RegExp(`^\\s*(// )?${leaf}: `, 'm').test(lines), name).toBe(true);
  }
  expect(await read({ words: ['--config', sample] })).toEqual(await read());
});
