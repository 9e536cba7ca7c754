// Requests and what is answered to them as rows of a table: for applications whose tables are their contract.
import { expect } from 'vitest';

type Answer = { readonly status: number; readonly body: unknown };

/** `GET /fruit/1`, or `POST /` with a body; the status; the whole JSON body, or a matcher of it. */
export type RequestRow = readonly [request: string, status: number, answer: unknown, body?: unknown];

/** One after the other, each to be answered as its row says. */
export async function expectRows(url: string, rows: readonly RequestRow[]): Promise<void> {
  for (const [request, status, answer, body] of rows) {
    expect(await send(url, request, body), request).toEqual({ status, body: answer });
  }
}

/** Sends a request with a JSON body if there is one; resolves with the status and the body, read as JSON. */
export async function send(url: string, request: string, body?: unknown): Promise<Answer> {
  const [method = '', path = ''] = request.split(' ');
  const json =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  const response = await fetch(`${url}${path}`, { method, ...json, signal: AbortSignal.timeout(30_000) });
  return { status: response.status, body: await response.json() };
}

/** Asks until the answer matches: for what comes by itself, such as a part that is found to be back. */
export async function expectSoon(url: string, request: string, answer: unknown): Promise<void> {
  await expect
    .poll(async () => (await send(url, request)).body, { timeout: 60_000, interval: 50 })
    .toMatchObject(answer as object);
}
