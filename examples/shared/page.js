// The page's script: draws what /live tells, and sends the requests that are tried.
const at = (id) => document.getElementById(id);

const stream = new EventSource('/live');
stream.onmessage = ({ data }) => draw(JSON.parse(data));
stream.onerror = () => showStatus('not reachable', 'bad');

function draw(state) {
  document.title = `${state.name} · Chorus`;
  at('name').textContent = state.name;
  at('about').textContent = state.about;
  showStatus(state.status, state.status === 'ok' ? 'ok' : 'bad');
  const tiers = new Set(state.parts.filter(({ role }) => role === 'tier').map(({ name }) => name));
  const answers = Object.entries(state.answers);
  const total = answers.reduce((sum, [, count]) => sum + count, 0);
  const hits = answers.reduce((sum, [from, count]) => sum + (tiers.has(from) ? count : 0), 0);
  at('ratio').textContent = total === 0 ? '–' : `${Math.floor((100 * hits) / total)} %`;
  at('counts').textContent = countsOf(total, state.loads, state.process);
  at('figures').replaceChildren(
    ...state.figures.flatMap(({ label, value }) => [make('dt', label), make('dd', String(value))]),
  );
  drawPlaces(state.parts, state.answers, total);
  at('parts').replaceChildren(...state.parts.map(partRow));
  at('recent').replaceChildren(...state.recent.map((answer) => recentRow(answer, tiers)));
  if (at('tries').childElementCount === 0) at('tries').replaceChildren(...state.tries.map(tryButton));
}

function showStatus(text, look) {
  at('status').textContent = text;
  at('status').className = `pill ${look}`;
}

function countsOf(total, loads, process) {
  const failed = loads.failed === 0 ? '' : `, ${loads.failed} failed`;
  const mean = loads.ended === 0 ? '' : `, ${loads.meanMs.toFixed(1)} ms each`;
  return `${total} answers, ${loads.ended} loads${mean}${failed}. Process ${process}.`;
}

/** All parts that answer reads, also those that have not yet. */
function drawPlaces(parts, answers, total) {
  const rows = parts
    .filter(({ role }) => role !== 'queue')
    .map(({ name, role }) => {
      const meter = make('meter', '', role);
      const count = answers[name] ?? 0;
      Object.assign(meter, { max: Math.max(1, total), value: count, ariaLabel: `${name}: ${count} of ${total}` });
      return make('li', '', '', [make('div', '', 'row', [make('span', name), make('span', String(count))]), meter]);
    });
  at('places').replaceChildren(...rows);
}

function partRow({ name, role, state, reason }) {
  const head = make('div', '', 'row', [
    make('span', `${name} (${role})`),
    make('strong', state, state === 'ok' ? 'ok' : 'bad'),
  ]);
  return make('li', '', '', reason === undefined ? [head] : [head, make('div', reason, 'reason')]);
}

function recentRow({ atMs, key, from, isFound, isStale }, tiers) {
  const notes = `${isFound ? '' : ', no such row'}${isStale ? ', stale' : ''}`;
  return make('tr', '', '', [
    make('td', new Date(atMs).toTimeString().slice(0, 8)),
    make('td', key),
    make('td', from + notes, tiers.has(from) ? 'cache' : 'source'),
  ]);
}

function tryButton({ method, path, body }) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const button = make('button', `${method} ${path}`);
  button.type = 'button';
  button.title = text;
  button.onclick = () => {
    const form = at('request');
    Object.assign(form.elements.method, { value: method });
    form.elements.path.value = path;
    form.elements.body.value = text;
    form.requestSubmit();
  };
  return button;
}

at('request').onsubmit = async (event) => {
  event.preventDefault();
  const fields = new FormData(event.target);
  const body = String(fields.get('body'));
  const method = String(fields.get('method'));
  try {
    const response = await fetch(String(fields.get('path')), {
      method,
      ...(body === '' || method === 'GET' ? {} : { body, headers: { 'Content-Type': 'application/json' } }),
    });
    const served = response.headers.get('cache-status');
    const head = `${response.status} ${response.statusText}${served === null ? '' : `\nCache-Status: ${served}`}`;
    at('answer').textContent = `${head}\n${await response.text()}`;
  } catch (error) {
    at('answer').textContent = String(error);
  }
};

function make(tag, text, look = '', children = []) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (look !== '') element.className = look;
  element.append(...children);
  return element;
}
