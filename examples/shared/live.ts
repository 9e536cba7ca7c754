// What the page shows, live: a stream of events (text/event-stream), one a second and soon after each change, while somebody looks.
import type { Request, Response } from 'express';
import type { Activity, ActivityState } from './activity.ts';
import { type Health, healthOf, type Part } from './parts.ts';

/** A request that the page offers to send. */
export type Try = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
};

/** A number of the application's own, such as the length of its queue. */
export type Figure = { readonly label: string; readonly value: number | string };

export type LiveSource = {
  readonly name: string;
  /** One sentence or two for people. */
  readonly about: string;
  readonly tries: readonly Try[];
  readonly parts: readonly Part[];
  readonly activity: Activity;
  /** Must not reject. */
  readonly figures?: () => Promise<readonly Figure[]>;
};

type LiveState = Health &
  ActivityState & {
    readonly name: string;
    readonly about: string;
    readonly tries: readonly Try[];
    readonly process: number;
    readonly figures: readonly Figure[];
  };

export type Live = {
  serve(request: Request, response: Response): void;
  /** Ends all streams. */
  close(): void;
};

const TICK_MS = 1_000;
const CHANGE_MS = 100;
const MAX_VIEWERS = 100;

export function createLive(source: LiveSource): Live {
  const viewers = new Set<Response>();
  let last = '';
  let soon: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function tell(): Promise<void> {
    last = `data: ${JSON.stringify(await stateOf(source))}\n\n`;
    for (const viewer of viewers) viewer.write(last);
  }

  /** Nothing is counted and nobody is asked while nobody looks. */
  function tellIn(ms: number): void {
    if (viewers.size === 0 || isClosed) return;
    clearTimeout(soon);
    soon = setTimeout(() => {
      void tell().then(() => tellIn(TICK_MS));
    }, ms);
  }

  // Changes that come while one waits to be told are told with it.
  let isChangeWaiting = false;
  const forget = source.activity.onChange(() => {
    if (isChangeWaiting) return;
    isChangeWaiting = true;
    setTimeout(() => {
      isChangeWaiting = false;
      tellIn(0);
    }, CHANGE_MS).unref();
  });

  return {
    serve(_request, response) {
      if (viewers.size >= MAX_VIEWERS || isClosed) {
        response.status(503).json({ error: 'Too many look on' });
        return;
      }
      // The last: Nginx passes on what it gets at once.
      response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
      response.write('retry: 1000\n\n');
      viewers.add(response);
      response.on('close', () => viewers.delete(response));
      tellIn(0);
    },
    close() {
      isClosed = true;
      clearTimeout(soon);
      forget();
      for (const viewer of viewers) viewer.end();
    },
  };
}

async function stateOf(source: LiveSource): Promise<LiveState> {
  const { name, about, tries, parts, activity, figures } = source;
  const [health, own] = await Promise.all([healthOf(parts), figures?.() ?? []]);
  return { name, about, tries, process: process.pid, figures: own, ...health, ...activity.state() };
}
