// What the test servers that run on Java share: Maven fetches their jars into the cache directory once.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const JAVA_ADVICE =
  'needs Linux with java 17 or newer and mvn on the PATH (apt-get install openjdk-17-jre-headless maven)';

export function isJavaThere(): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, 'java')));
}

/** Makes `directory` hold the jars that the pom names, and theirs; whole or not at all. Throws a sentence when java or mvn is missing. */
export function fetchJars(pom: string, directory: string): void {
  need('java', '-version');
  if (existsSync(directory)) return;
  need('mvn', '-v');
  mkdirSync(dirname(directory), { recursive: true });
  const partial = `${directory}-${process.pid}`;
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
  const result = spawnSync('mvn', ['-q', '-B', '-f', pom, ...goal], { encoding: 'utf8' });
  if (result.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`Maven could not fetch what ${pom} names: ${result.stdout}${result.stderr}`);
  }
  renameSync(partial, directory);
}

/** All jars of a directory, in an order that never changes (a class archive depends on it). */
export function classPath(directory: string): string {
  const jars = readdirSync(directory).filter((file) => file.endsWith('.jar'));
  return jars
    .sort()
    .map((jar) => join(directory, jar))
    .join(':');
}

function need(command: string, versionFlag: string): void {
  if (spawnSync(command, [versionFlag]).status !== 0) throw new Error(`there is no ${command} on the PATH`);
}
