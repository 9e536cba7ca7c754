// The settings of the example applications: environment variables, each also as a file that holds it, so that secrets stay in files.
import { readFileSync } from 'node:fs';

export type SettingName =
  | 'PORT'
  | 'HOST'
  | 'MEMCACHED_URL'
  | 'REDIS_URL'
  | 'MONGODB_URL'
  | 'MYSQL_URL'
  | 'POSTGRES_URL'
  | 'AMQP_URL';

/** Reads one setting: undefined where it is left out. Throws an Error with a sentence for whoever set it. */
export type Settings = (name: SettingName) => string | undefined;

/** `REDIS_URL`, else what stands in the file that `REDIS_URL_FILE` names, without white space around it. */
export function settingsOf(environment: Readonly<Record<string, string | undefined>>): Settings {
  return (name) => {
    const value = environment[name] || undefined;
    const path = environment[`${name}_FILE`] || undefined;
    if (value !== undefined && path !== undefined) {
      throw new Error(`Both ${name} and ${name}_FILE are set; leave one of them out.`);
    }
    return path === undefined ? value : contentsOf(path, `${name}_FILE`);
  };
}

/** `PORT`, or the usual one of the application. */
export function portIn(settings: Settings, usual: number): number {
  const text = settings('PORT') ?? String(usual);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`PORT is no port from 0 to 65535: ${text}`);
  return port;
}

/** A setting that is a URL of one of these schemes. What is wrong with it is said without its text: there are passwords in URLs. */
export function urlIn(settings: Settings, name: SettingName, schemes: readonly string[]): string | undefined {
  const text = settings(name);
  if (text === undefined || schemes.some((scheme) => text.startsWith(`${scheme}://`) && URL.canParse(text)))
    return text;
  throw new Error(`${name} is no URL of the form ${schemes[0]}://user:password@host:port`);
}

function contentsOf(path: string, variable: string): string {
  let contents: string;
  try {
    contents = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new Error(`${variable} names a file that cannot be read: ${path}`, { cause });
  }
  if (contents === '') throw new Error(`${variable} names an empty file: ${path}`);
  return contents;
}
