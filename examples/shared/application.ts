// The frame of an example application: settings, HTTP with a page for people and /health, and an orderly stop.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express, { type Express } from 'express';
import { answerFailure, RequestError } from './failures.ts';
import { createLive, type Live, type LiveSource } from './live.ts';
import { healthOf } from './parts.ts';
import { portIn, type Settings, settingsOf } from './settings.ts';

export type Application = LiveSource & {
  /** Where it listens unless PORT says otherwise. */
  readonly usualPort: number;
  /** The application's own requests. Handlers may throw: failures.ts answers. */
  routes(app: Express): void;
  /** Closes caches and sources; called once nothing is being answered any more. */
  close(): Promise<void>;
};

const STOP_TIMEOUT_MS = 10_000;

/** Builds the application, listens, and ends in order on SIGTERM or Ctrl-C. A setting that is wrong ends it with 64. */
export async function run(build: (settings: Settings) => Application | Promise<Application>): Promise<void> {
  try {
    const settings = settingsOf(process.env);
    const application = await build(settings);
    await listen(application, settings('HOST') ?? '127.0.0.1', portIn(settings, application.usualPort));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(64);
  }
}

async function listen(application: Application, host: string, port: number): Promise<void> {
  const live = createLive(application);
  const server = createServer(appOf(application, live));
  server.listen(port, host);
  await once(server, 'listening');
  const stop = async () => {
    live.close();
    const isClosed = once(server, 'close');
    server.close();
    setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT_MS).unref();
    await isClosed;
    await application.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
  const { port: actual } = server.address() as AddressInfo;
  console.log(`${application.name} listens on http://${host.includes(':') ? `[${host}]` : host}:${actual}/`);
}

function appOf(application: Application, live: Live): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json());
  for (const file of ['page.css', 'page.js']) app.get(`/${file}`, (_, response) => sendPage(response, file));
  app.get('/', (_, response) => sendPage(response, 'page.html'));
  app.get('/live', (request, response) => live.serve(request, response));
  app.get('/health', async (_, response) => {
    const { status, parts } = await healthOf(application.parts);
    const named = parts.map(({ name, ...health }) => [name, health] as const);
    response.set('Cache-Control', 'no-store').json({ status, ...Object.fromEntries(named) });
  });
  application.routes(app);
  app.use(() => {
    throw new RequestError(404, 'Not found');
  });
  app.use(answerFailure);
  return app;
}

function sendPage(response: express.Response, file: string): void {
  response.set('Content-Security-Policy', "default-src 'self'; img-src data:; frame-ancestors 'none'");
  response.sendFile(join(import.meta.dirname, file), { cacheControl: false });
}
