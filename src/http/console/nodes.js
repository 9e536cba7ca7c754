// Draws what GET /v1/cluster tells: the nodes, the state, and how many commands a second the log grows by.
import { at, bytesOf, countOf, facts, make, spanOf } from './elements.js';

const SHOWN_MS = 120_000;
const samples = [];

export function drawCluster(cluster, nowMs) {
  const { members, revision } = cluster;
  at('cluster').textContent = `Cluster ${cluster.cluster}, as ${cluster.node} sees it`;
  const newest = Math.max(revision, ...members.map((member) => member.revision));
  at('nodes').replaceChildren(...members.map((member) => nodeCard(member, newest, cluster.minority, nowMs)));
  at('state').replaceChildren(...facts(stateOf(cluster)));
  drawStatus(cluster);
  drawPace(revision, nowMs);
}

function drawStatus({ members, minority }) {
  const ready = members.filter((member) => member.ready).length;
  const isWell = ready === members.length && minority.length === 0;
  const text = minority.length > 0 ? `${minority.join(', ')} differs` : `${ready} of ${members.length} ready`;
  showStatus(text, isWell ? 'ok' : 'bad');
}

export function showStatus(text, look) {
  at('status').textContent = text;
  at('status').className = `pill ${look}`;
}

function nodeCard(member, newest, minority, nowMs) {
  const behind = newest - member.revision;
  const role = member.ready ? (member.duty ? 'on duty' : 'ready') : 'not ready';
  const meter = make('meter', '');
  Object.assign(meter, { max: Math.max(1, newest), value: member.revision });
  meter.ariaLabel = `${member.node} has applied ${member.revision} of ${newest}`;
  const card = make('li', '', member.ready ? 'node' : 'node down', [
    make('div', '', 'row', [make('strong', member.node), make('span', role, member.ready ? 'ok' : 'bad')]),
    make('p', `${member.address}, process ${member.pid}, version ${member.version}`, 'quiet'),
    meter,
    make(
      'dl',
      '',
      '',
      facts([
        [
          'Revision reported',
          behind > 0 ? `${countOf(member.revision)} (−${countOf(behind)})` : countOf(member.revision),
        ],
        ['Lag, at most', `${countOf(member.lagMs)} ms`],
        ['Keys', countOf(member.keys)],
        ['Bytes', bytesOf(member.bytes)],
        ['Last seen', `${spanOf(nowMs - Date.parse(member.lastSeen))} ago`],
      ]),
    ),
  ]);
  if (minority.includes(member.node)) card.append(make('p', 'Its state differs from the majority.', 'bad'));
  return card;
}

function stateOf({ revision, members, node, limits, snapshots, quarantines, disagreements }) {
  const own = members.find((member) => member.node === node);
  const newest = snapshots.verified.at(-1);
  return [
    ['Revision', countOf(revision)],
    ['Keys', `${countOf(own?.keys ?? 0)} of ${countOf(limits.maxKeys)}`],
    ['Bytes', `${bytesOf(own?.bytes ?? 0)} of ${bytesOf(limits.maxMemoryBytes)}`],
    ['Eviction', limits.eviction],
    ['Newest snapshot', newest === undefined ? 'none yet' : `revision ${countOf(newest.revision)}`],
    ['Log trimmed below', countOf(snapshots.trimmedBelow)],
    ['Disagreements', countOf(disagreements)],
    ['Quarantines', countOf(quarantines)],
  ];
}

/** Another node may answer, and be behind the last: the newest revision seen counts. */
function drawPace(revision, nowMs) {
  const last = samples.at(-1);
  samples.push({ atMs: nowMs, revision: Math.max(revision, last?.revision ?? 0) });
  while (nowMs - (samples[0]?.atMs ?? nowMs) > SHOWN_MS) samples.shift();
  const rates = samples.slice(1).map((sample, at) => ({ atMs: sample.atMs, rate: rateOf(samples[at], sample) }));
  const now = rates.at(-1)?.rate;
  at('pace').textContent = now === undefined ? '–' : countOf(now < 10 ? Math.round(now * 10) / 10 : Math.round(now));
  const top = Math.max(10, ...rates.map(({ rate }) => rate));
  const points = rates.map(({ atMs, rate }) => {
    const x = 240 - ((nowMs - atMs) / SHOWN_MS) * 240;
    return `${x.toFixed(1)},${(54 - (rate / top) * 52).toFixed(1)}`;
  });
  at('pace-line').firstElementChild.setAttribute('points', points.join(' '));
}

const rateOf = (from, to) => (1000 * (to.revision - from.revision)) / Math.max(1, to.atMs - from.atMs);
