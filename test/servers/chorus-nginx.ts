// The real Nginx with the files of nginx/ in front of given ports: what the compose file runs, but for addresses and shortened times.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Nginx, startNginx } from './nginx.ts';

const FILES = resolve(import.meta.dirname, '../../nginx');
/** Of docker-compose.yml: what listens, logs and where. */
const CONTAINER_ONLY = 'nginx.conf';
const NODE_LINES = /(?:^ *server node-\d+:8001 (.*)\n)+/gm;

export type ChorusNginx = Nginx & {
  /** The lines of the access log so far. */
  accessLog(): readonly Readonly<Record<string, unknown>>[];
};

/**
 * Starts it. `replace` maps texts of the files, such as `proxy_read_timeout 7s`, to others; each must be there.
 */
export async function startChorusNginx(options: {
  readonly nodePorts: readonly number[];
  readonly replace?: Readonly<Record<string, string>>;
}): Promise<ChorusNginx> {
  const nginx = await startNginx(({ port, directory }) => {
    writeFiles(directory, options.nodePorts, options.replace ?? {});
    return `
  include upstream.conf;
  include http.conf;
  server {
    listen 127.0.0.1:${port};
    access_log ${join(directory, 'access.log')} chorus;
    include server.conf;
  }`;
  });
  const accessLog = () =>
    readFileSync(join(nginx.directory, 'access.log'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  return { ...nginx, accessLog };
}

function writeFiles(directory: string, nodePorts: readonly number[], replace: Readonly<Record<string, string>>): void {
  const unused = new Set(Object.keys(replace));
  for (const name of readdirSync(FILES)) {
    if (name === CONTAINER_ONLY) continue;
    let text = readFileSync(join(FILES, name), 'utf8');
    if (name === 'upstream.conf') text = withPorts(text, nodePorts);
    for (const [from, to] of Object.entries(replace)) {
      if (text.includes(from)) unused.delete(from);
      text = text.replaceAll(from, to);
    }
    writeFileSync(join(directory, name), text);
  }
  if (unused.size > 0) throw new Error(`not in nginx/: ${[...unused].join(', ')}`);
}

/** In each list one line for each port, with the parameters of the list's first node. */
function withPorts(text: string, nodePorts: readonly number[]): string {
  if (text.match(NODE_LINES) === null) throw new Error('upstream.conf names no node');
  return text.replaceAll(NODE_LINES, (_, parameters: string) =>
    nodePorts.map((port) => `  server 127.0.0.1:${port} ${parameters}\n`).join(''),
  );
}
