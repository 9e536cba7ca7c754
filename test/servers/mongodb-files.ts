// The files of the MongoDB stand-in: jars by Maven, and our class between them, compiled once by the compiler that comes along.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { classPath, fetchJars, isJavaThere } from './java.ts';
import { CACHE_DIRECTORY } from './places.ts';

const VERSION = '1.47.0';
const HOME = join(CACHE_DIRECTORY, `mongodb-stand-in-${VERSION}`);
const LIBRARIES = join(HOME, 'lib');
const CLASSES = join(HOME, 'classes');
const FOLDER = resolve(import.meta.dirname, 'mongodb');
const SOURCE = join(FOLDER, 'StandIn.java');
/** What was compiled; written last: what is installed is whole. */
const COMPILED = join(HOME, 'StandIn.java');

export function isMongodbInstalled(): boolean {
  return isJavaThere() && existsSync(COMPILED) && readFileSync(COMPILED).equals(readFileSync(SOURCE));
}

/** Fetches the jars and compiles the stand-in. Rejects with a sentence when java or mvn is missing. */
export async function installMongodb(): Promise<void> {
  fetchJars(join(FOLDER, 'pom.xml'), LIBRARIES);
  // Eclipse's compiler runs on a plain Java runtime, so that no JDK is needed.
  const compiler = ['-cp', classPath(LIBRARIES), 'org.eclipse.jdt.internal.compiler.batch.Main', '-17', '-nowarn'];
  const sources = ['-cp', classPath(LIBRARIES), '-d', CLASSES, SOURCE];
  const result = spawnSync('java', [...compiler, ...sources], { encoding: 'utf8' });
  if (result.status !== 0)
    throw new Error(`the MongoDB stand-in could not be compiled: ${result.stdout}${result.stderr}`);
  copyFileSync(SOURCE, COMPILED);
}

/** Command-line arguments of `java` that serve the documents in `file` at this port. */
export function standInArguments(port: number, file: string): string[] {
  const memory = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  return [...memory, '-cp', `${CLASSES}:${classPath(LIBRARIES)}`, 'StandIn', String(port), file];
}
