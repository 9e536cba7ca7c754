// An application of examples/ for tests: a real process on a free port, ready when its health page says so.
import { resolve } from 'node:path';
import { type ServerControls, startAlone } from './child-server.ts';
import { freePort, temporaryDirectory } from './places.ts';

export type Example = ServerControls & { readonly url: string };

const EXAMPLES = resolve(import.meta.dirname, '../../examples');

/** `script` below examples/, such as `cache-aside/main.ts`; `settings`: its environment beside PORT; `health`: 200 when it is ready. */
export async function startExample(
  script: string,
  settings: Readonly<Record<string, string>> = {},
  health = '/health',
): Promise<Example> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const controls = await startAlone({
    name: script,
    command: process.execPath,
    args: [resolve(EXAMPLES, script)],
    directory: temporaryDirectory('example'),
    environment: { PORT: String(port), ...settings },
    isReady: async () => (await fetch(`${url}${health}`)).ok,
    readyTimeoutMs: 60_000,
  });
  return { url, ...controls };
}
