// Requests to the API that serves this page: with the token of this tab, and never older than what this page has written.

const TOKEN = 'chorus-token';

let written = 0;
let onDenied = () => Promise.reject(new Error('no token'));

/** `ask` gets a sentence or an empty text, and resolves with a token. */
export function askTokenBy(ask) {
  let asking;
  onDenied = (reason) => {
    asking ??= ask(reason)
      .then((token) => sessionStorage.setItem(TOKEN, token))
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
}

/** A response that is not an error; throws an Error with the problem's own sentence. */
export async function send(path, { method = 'GET', headers = {}, body, signal } = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch(path, {
    method,
    body,
    signal,
    headers: {
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(method === 'GET' && written > 0 ? { 'Chorus-Min-Revision': String(written) } : {}),
      ...headers,
    },
  });
  if (response.status === 401) {
    await onDenied(token === null ? '' : 'This token is not one of the cluster.');
    return send(path, { method, headers, body, signal });
  }
  const revision = Number(/\d+/.exec(response.headers.get('ETag') ?? '')?.[0] ?? 0);
  if (response.ok && method !== 'GET') written = Math.max(written, revision);
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const fate = problem.outcome === undefined ? '' : ` Outcome: ${problem.outcome}.`;
  throw new Error(`${response.status} ${problem.title ?? response.statusText}. ${problem.detail ?? ''}${fate}`);
}

export const keyPath = (key) => `/v1/keys/${encodeURIComponent(key)}`;
