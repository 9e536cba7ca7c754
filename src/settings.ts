// Reads the settings: flag before environment before config.ts before default. The one place that does; every error names the field.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT, FatalError, messageOf } from './base/errors.ts';
import { hintOf } from './base/nearest.ts';
import { type CacheDeclaration, firstPolicy } from './cache/server/declaration.ts';
import { type Known, NotA, type Setting } from './setting-kinds.ts';
import { kafkaSecurityFault, tlsFault } from './setting-rules.ts';
import { SETTING_TABLE } from './setting-table.ts';

export type Program = 'node' | 'cluster';

type Table = typeof SETTING_TABLE;
type Name = keyof Table;
type ValueOf<Row> = Row extends Setting<infer Value, infer _> ? Value : never;
type WrittenIn<Row> = Row extends { readonly written?: infer Written } ? Exclude<Written, undefined> : never;
type Tree<Path extends string, Leaf> = Path extends `${infer Head}.${infer Rest}`
  ? { readonly [K in Head]: Tree<Rest, Leaf> }
  : { readonly [K in Path]: Leaf };
type Branch<Path extends string, Leaf> = Path extends `${infer Head}.${infer Rest}`
  ? { readonly [K in Head]?: Branch<Rest, Leaf> }
  : { readonly [K in Path]?: Leaf };
type Both<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

type Caches = Readonly<Record<string, CacheDeclaration>>;

/** All settings, parsed and checked: `settings.http.port`. Durations in milliseconds, sizes in bytes. */
export type Settings = Both<{ [K in Name]: Tree<K, ValueOf<Table[K]>> }[Name]> & { readonly caches: Caches };

/** What config.ts exports as `config`: any of the settings, nested by their dots, and the caches. */
export type Config = Both<{ [K in Name]: Branch<K, WrittenIn<Table[K]>> }[Name]> & { readonly caches?: Caches };

export type Flags = {
  /** Raw values by flag name, without the dashes. */
  readonly values: ReadonlyMap<string, string>;
  /** --help or --version: everything else is then left unread. */
  readonly wants: 'settings' | 'help' | 'version';
};

export type SettingSources = {
  readonly program: Program;
  readonly flags: Flags;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where config.ts is looked for. */
  readonly directory: string;
  readonly hostName: string;
};

/** Rows as code sees them that does not care about one in particular. */
const ROWS: ReadonlyMap<string, Setting<unknown>> = new Map(Object.entries<Setting<unknown>>(SETTING_TABLE));
const ENVIRONMENT_PREFIX = 'CHORUS_';
const CONFIG_VARIABLE = 'CHORUS_CONFIG';
/** Of the command line src/token.ts: may stand in the same environment. */
const TOKEN_VARIABLE = 'CHORUS_TOKEN';
const CONFIG_FILE = 'config.ts';

/** Reads `--flag value` and `--flag=value`. An unknown flag is a FatalError that names the nearest one. */
export function readFlags(program: Program, words: readonly string[]): Flags {
  if (words.some((word) => word === '--help' || word === '-h')) return { values: new Map(), wants: 'help' };
  if (words.some((word) => word === '--version' || word === '-v')) return { values: new Map(), wants: 'version' };
  const values = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const parts = /^--([^=]+)(?:=(.*))?$/s.exec(word);
    if (parts === null) throw badSetting(`"${word}" is no flag: flags begin with two dashes; --help lists them all`);
    const [, flag = '', attached] = parts;
    checkFlag(program, flag);
    if (values.has(flag)) throw badSetting(`--${flag} is given twice`);
    const value = attached ?? words[++at];
    if (value === undefined || (attached === undefined && value.startsWith('--'))) {
      throw badSetting(`--${flag} needs a value`);
    }
    values.set(flag, value);
  }
  return { values, wants: 'settings' };
}

/** Puts all sources together; an empty variable counts as none. Whatever is wrong is a FatalError with exit code 64 and a sentence that names the field. */
export async function readSettings(sources: SettingSources): Promise<Settings> {
  const config = await readConfig(sources);
  checkVariables(sources.environment);
  const known = knownFirst(sources, config);
  const settings: Record<string, unknown> = { caches: config.caches };
  for (const [name, row] of ROWS) setByPath(settings, name, settingOf(name, row, sources, config, known));
  // Built row by row from the table that its type is derived from.
  const read = settings as Settings;
  checkTogether(sources.program, read);
  return read;
}

/** Where config.ts stands, or undefined when there is none. */
export function configPath(sources: SettingSources): string | undefined {
  const named = sources.flags.values.get('config') ?? (sources.environment[CONFIG_VARIABLE] || undefined);
  if (named === undefined) {
    const usual = resolve(sources.directory, CONFIG_FILE);
    return existsSync(usual) ? usual : undefined;
  }
  const path = resolve(sources.directory, named);
  if (!existsSync(path)) throw badSetting(`--config: there is no file ${named}`);
  return path;
}

function badSetting(message: string, cause?: unknown): FatalError {
  return new FatalError(EXIT.badConfiguration, message, { cause });
}

function checkFlag(program: Program, flag: string): void {
  if (flag === 'config') return;
  const row = [...ROWS.values()].find((candidate) => candidate.flag === flag);
  if (row === undefined) {
    const known = [...ROWS.values()].filter((each) => isFor(program, each)).map((each) => `--${each.flag}`);
    const hint = hintOf(`--${flag}`, [...known, '--config', '--help', '--version']);
    throw badSetting(`--${flag}: there is no such flag${hint}; --help lists them all`);
  }
  if (!isFor(program, row)) {
    throw badSetting(
      row.onlyFor === 'cluster'
        ? `--${flag} is for npm start, which runs a whole cluster; this is one node`
        : `--${flag} is for a single node (node src/main.ts); npm start gives each of its nodes its own`,
    );
  }
}

function isFor(program: Program, row: Setting<unknown>): boolean {
  return row.onlyFor === undefined || row.onlyFor === program;
}

function checkVariables(environment: SettingSources['environment']): void {
  const known = [...[...ROWS.values()].map((row) => row.variable), CONFIG_VARIABLE, TOKEN_VARIABLE];
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(ENVIRONMENT_PREFIX) && !known.includes(variable)) {
      throw badSetting(`${variable}: there is no such variable${hintOf(variable, known)}; --help lists them all`);
    }
  }
}

type FlatConfig = {
  readonly path: string;
  readonly values: ReadonlyMap<string, string>;
  /** They hold functions, so they stand in config.ts alone. */
  readonly caches: Caches;
};

async function readConfig(sources: SettingSources): Promise<FlatConfig> {
  const path = configPath(sources);
  const values = new Map<string, string>();
  if (path === undefined) return { path: CONFIG_FILE, values, caches: {} };
  const loaded: unknown = await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw badSetting(`${path} cannot be read: ${messageOf(error)}`, error);
  });
  if (!isObject(loaded) || !isObject(loaded.config)) {
    throw badSetting(
      `${path} must export its settings by the name config: export const config = { … } satisfies Config`,
    );
  }
  const { caches = {}, ...plain } = loaded.config;
  flatten(plain, '', path, values);
  return { path, values, caches: checkedCaches(caches, path) };
}

function checkedCaches(caches: unknown, path: string): Caches {
  if (!isObject(caches)) throw badSetting(`caches in ${path}: must be an object of caches by their names`);
  for (const [name, declaration] of Object.entries(caches)) {
    if (!isObject(declaration)) throw badSetting(`caches.${name} in ${path}: must be an object with a source`);
    try {
      firstPolicy(name, declaration as CacheDeclaration);
    } catch (error) {
      throw badSetting(`${path}: ${messageOf(error)}`, error);
    }
  }
  return caches as Caches;
}

/** Nested settings to dotted names; every leaf becomes the text that a flag would have been. */
function flatten(
  tree: Readonly<Record<string, unknown>>,
  prefix: string,
  path: string,
  into: Map<string, string>,
): void {
  for (const [key, value] of Object.entries(tree)) {
    const name = prefix + key;
    const isGroup = [...ROWS.keys()].some((known) => known.startsWith(`${name}.`));
    if (value === undefined) continue;
    if (isGroup && isObject(value)) flatten(value, `${name}.`, path, into);
    else if (isGroup) throw badSetting(`${name} in ${path}: must be an object of settings`);
    else if (!ROWS.has(name))
      throw badSetting(`${name} in ${path}: there is no such setting${hintOf(name, namesBelow(prefix))}`);
    else into.set(name, textOf(value, name, path));
  }
}

/** The groups and settings that may stand there, then all settings, for one may stand at the wrong place. */
function namesBelow(prefix: string): readonly string[] {
  const below = [...ROWS.keys()].filter((name) => name.startsWith(prefix));
  return [...below.map((name) => prefix + name.slice(prefix.length).split('.')[0]), ...ROWS.keys()];
}

function textOf(value: unknown, name: string, path: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  throw badSetting(`${name} in ${path}: must be a text, a number, true or false, or a list of texts`);
}

function knownFirst(sources: SettingSources, config: FlatConfig): Known {
  const none: Known = { hostName: sources.hostName, host: '', port: 0 };
  const host = settingOf('http.host', SETTING_TABLE['http.host'], sources, config, none);
  const port = settingOf('http.port', SETTING_TABLE['http.port'], sources, config, none);
  return { hostName: sources.hostName, host, port };
}

function settingOf<Value>(
  name: string,
  row: Setting<Value>,
  sources: SettingSources,
  config: FlatConfig,
  known: Known,
): Value {
  const found = [
    { text: sources.flags.values.get(row.flag), where: `--${row.flag} (${name})` },
    { text: sources.environment[row.variable] || undefined, where: `${row.variable} (${name})` },
    { text: config.values.get(name), where: `${name} in ${config.path}` },
  ].find((source) => source.text !== undefined);
  if (found?.text === undefined) return isComputed(row.fallback) ? row.fallback(known) : row.fallback;
  const value = row.parse(found.text);
  if (value instanceof NotA)
    throw badSetting(`${found.where}: must be ${value.mustBe}${row.isHidden ? '' : `, not "${found.text}"`}`);
  return value;
}

function isComputed<Value>(fallback: Value | ((known: Known) => Value)): fallback is (known: Known) => Value {
  return typeof fallback === 'function';
}

/** Rules between settings. */
function checkTogether(program: Program, settings: Settings): void {
  if (settings.log.kind === 'kafka' && settings.log.kafka.brokers.length === 0) {
    throw badSetting('log.kafka.brokers is needed with the kafka log: --kafka-brokers host:port,host:port');
  }
  const fault = tlsFault(settings.http.tls) ?? kafkaSecurityFault(settings.log.kafka);
  if (fault !== undefined) throw badSetting(fault);
  if (program === 'node') return;
  const { nodes, gatewayPort } = settings.cluster;
  const lastPort = settings.http.port + nodes - 1;
  if (settings.log.kind === 'memory' && nodes > 1) {
    throw badSetting('log.kind memory: every process would have a log of its own; npm start needs embedded or kafka');
  }
  if (lastPort > 65_535) throw badSetting(`http.port: ${nodes} nodes from ${settings.http.port} on go beyond 65535`);
  if (gatewayPort >= settings.http.port && gatewayPort <= lastPort) {
    throw badSetting(
      `cluster.gatewayPort: ${gatewayPort} is one of the nodes' ports, ${settings.http.port} to ${lastPort}`,
    );
  }
}

function setByPath(tree: Record<string, unknown>, name: string, value: unknown): void {
  const path = name.split('.');
  const last = path.pop() ?? name;
  let branch = tree;
  for (const key of path) {
    const next = branch[key];
    if (isObject(next)) branch = next;
    else {
      const made: Record<string, unknown> = {};
      branch[key] = made;
      branch = made;
    }
  }
  branch[last] = value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
