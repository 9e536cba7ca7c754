// The real Nginx for tests: one process, all its files under its own temporary directory.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerControls, startAlone } from './child-server.ts';
import { ask, freePort, temporaryDirectory } from './places.ts';

type NginxPlace = { readonly port: number; readonly directory: string };

export type Nginx = NginxPlace & ServerControls;

/**
 * Starts Nginx. `http` gives the text inside `http { … }`, with a server that listens on 127.0.0.1:`port`; it may write
 * further files to `directory` first. Ready when an own location on a second port answers.
 */
export async function startNginx(http: (place: NginxPlace) => string): Promise<Nginx> {
  const place = { port: await freePort(), directory: temporaryDirectory('nginx') };
  const healthPort = await freePort();
  const configuration = join(place.directory, 'nginx.conf');
  writeFileSync(configuration, wholeConfiguration(place.directory, healthPort, http(place)));
  const errors = ['-e', join(place.directory, 'error.log')];
  const controls = await startAlone({
    name: 'Nginx',
    command: '/usr/sbin/nginx',
    args: ['-p', place.directory, ...errors, '-c', configuration],
    directory: place.directory,
    isReady: () => isNginx(healthPort),
    readyTimeoutMs: 10_000,
  });
  return { ...place, ...controls };
}

/** `master_process off`: a worker would outlive a killed master. */
function wholeConfiguration(directory: string, healthPort: number, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  access_log off;
  server { listen 127.0.0.1:${healthPort}; location = / { return 200 "ready"; } }
${http}
}
`;
}

function isNginx(port: number): Promise<boolean> {
  const question = Buffer.from('GET / HTTP/1.0\r\n\r\n');
  return ask(port, question, (answer) => answer.toString('latin1').startsWith('HTTP/1.1 200'));
}
