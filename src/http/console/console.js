// The console: asks for the cluster once a second, and starts its parts.
import { askTokenBy, send } from './api.js';
import { watch } from './changes.js';
import { at } from './elements.js';
import { startEntries } from './entries.js';
import { drawCluster, showStatus } from './nodes.js';

const TICK_MS = 1000;

askTokenBy(
  (reason) =>
    new Promise((resolve) => {
      at('denied').textContent = reason;
      const { token } = at('access').querySelector('form').elements;
      token.value = '';
      at('access').onclose = () => resolve(token.value);
      if (!at('access').open) at('access').showModal();
    }),
);

at('check').onclick = () => operate('/v1/cluster?check=digests', 'GET');
at('snapshot').onclick = () => operate('/v1/snapshots?timeout=30s', 'POST');

startEntries(watch);
void watch('');
void follow();

async function follow() {
  for (;;) {
    try {
      // One that does not answer is asked again, through a balancer perhaps another.
      const response = await send('/v1/cluster', { signal: AbortSignal.timeout(5 * TICK_MS) });
      drawCluster(await response.json(), Date.now());
    } catch (error) {
      showStatus('not reachable', 'bad');
      at('cluster').textContent = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

async function operate(path, method) {
  at('outcome').textContent = `${method} ${path} …`;
  try {
    const told = await (await send(path, { method })).json();
    at('outcome').textContent = JSON.stringify(told, null, 2);
  } catch (error) {
    at('outcome').textContent = error.message;
  }
}
