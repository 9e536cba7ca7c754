// The full drill's two reports: one page for people, without anything from outside, and a summary for machines.
import { chart } from './chart.ts';
import type { Verdict } from './drill.ts';
import { FULL_FAULTS } from './full-faults.ts';
import type { FullOptions } from './full-options.ts';
import { durationText } from './report.ts';
import type { Tally } from './tally.ts';
import { type Band, quantile, type Timeline } from './timeline.ts';
import type { Vital } from './vitals.ts';

export type FullRun = {
  readonly options: FullOptions;
  readonly circumstances: string;
  readonly verdict: Verdict;
  readonly timeline: Timeline;
  readonly tally: Tally;
  readonly vitals: readonly Vital[];
};

const VIOLATIONS_SHOWN = 50;

/** Times in ms after the start. */
export function summaryOf({ options, circumstances, verdict, timeline, tally, vitals }: FullRun) {
  const { log, minutes, isSoak, seed, clients, connections, least } = options;
  return {
    hasPassed: verdict.hasPassed,
    options: { log, minutes, isSoak, seed, clients, connections, least, faults: options.faults },
    circumstances,
    acknowledgedWrites: tally.acknowledged,
    reads: tally.reads,
    unknownAnswers: tally.unknown,
    failedRequests: tally.failed,
    lost: tally.faultsOf('lost'),
    doubled: tally.faultsOf('doubled'),
    different: tally.faultsOf('different'),
    stale: tally.faultsOf('stale'),
    notLinearizable: tally.faultsOf('not linearizable') + tally.faultsOf('undecided'),
    ineffectiveFaults: tally.faultsOf('ineffective'),
    faults: timeline.bands,
    figures: Object.fromEntries(verdict.rows),
    violations: verdict.faults,
    slotSeconds: timeline.slotSeconds,
    slots: timeline.slots(),
    vitals,
  };
}

export function reportOf(run: FullRun): string {
  const { options, circumstances, verdict, timeline, tally, vitals } = run;
  const word = verdict.hasPassed ? 'passed' : 'failed';
  const medians = timeline
    .slots()
    .filter(({ acknowledged }) => acknowledged > 0)
    .map(({ p50Ms }) => p50Ms)
    .toSorted((a, b) => a - b);
  const tiles = [
    ['acknowledged writes', tally.acknowledged.toLocaleString('en-US')],
    ['lost', String(tally.faultsOf('lost'))],
    ['applied twice', String(tally.faultsOf('doubled'))],
    ['linearizability violations', String(tally.faultsOf('not linearizable') + tally.faultsOf('undecided'))],
    ['faults struck', String(timeline.bands.length)],
    ['median of p50', durationText(quantile(medians, 0.5))],
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chorus ${options.isSoak ? 'soak' : 'fault drill'}: ${word}</title>
<style>${STYLE}</style>
<main>
<h1>Chorus ${options.isSoak ? 'soak' : 'fault drill'} <span class="verdict ${word}">${word}</span></h1>
<p>Three nodes behind Nginx on ${options.log === 'kafka' ? 'three Kafka brokers' : 'the embedded log'}, seed ${options.seed}. ${escaped(circumstances)}</p>
<ul class="tiles">${tiles.map(([name, value]) => `<li><b>${value}</b>${name}</li>`).join('')}</ul>
<figure>${chart(timeline, vitals)}
<figcaption>Bands: from the strike to the end of the fault; paler: until all nodes were ready and writes were acknowledged again. Point at a band or a place in time for its figures.</figcaption></figure>
${violationsOf(verdict)}
<h2>Faults</h2>
${table(['at', 'fault', 'took', 'healthy after', 'what showed it'], timeline.bands.map(faultCells))}
<h2>Figures</h2>
${table(undefined, verdict.rows)}
<h2>Faults by name</h2>
${table(
  undefined,
  options.faults.map((name) => [name, FULL_FAULTS[name].about]),
)}
</main>
</html>
`;
}

function faultCells({ name, fromMs, endMs, recoveredMs, evidence }: Band): readonly string[] {
  return [
    clockText(fromMs),
    name,
    durationText(endMs - fromMs),
    recoveredMs === undefined ? 'NEVER' : durationText(recoveredMs - fromMs),
    evidence ?? 'NOTHING: it did not take effect',
  ];
}

function violationsOf({ faults }: Verdict): string {
  if (faults.length === 0) return '';
  const shown = faults.slice(0, VIOLATIONS_SHOWN).map((fault) => `<li><pre>${escaped(fault)}</pre></li>`);
  const more = faults.length - shown.length;
  return `<h2>Violations</h2><ol class="violations">${shown.join('')}</ol>${more > 0 ? `<p>… and ${more} more</p>` : ''}`;
}

function table(head: readonly string[] | undefined, rows: readonly (readonly string[])[]): string {
  const top = head === undefined ? '' : `<thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead>`;
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`);
  return `<div class="scroll"><table>${top}<tbody>${body.join('')}</tbody></table></div>`;
}

function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --text: #1c2430; --dim: #5c6675; --line: #d5dae1; --card: #f4f6f9;
  --good: #14713d; --bad: #b3261e; --acks: #2563c9; --median: #0f8a6a; --high: #c2570c; --band: #7c5cd6; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --text: #e4e8ee; --dim: #98a3b3; --line: #313945; --card: #1b212a;
  --good: #5fd38d; --bad: #ff8a80; --acks: #6ea8ff; --median: #4fd1ab; --high: #ffab66; --band: #a78bfa; } }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 32px 0 8px; }
p, figcaption { color: var(--dim); margin: 0 0 12px; }
.verdict { font-size: 15px; vertical-align: 4px; padding: 2px 10px; border-radius: 12px; border: 1px solid; margin-left: 8px; }
.passed { color: var(--good); } .failed { color: var(--bad); }
.tiles { list-style: none; display: flex; flex-wrap: wrap; gap: 10px; padding: 0; margin: 16px 0; }
.tiles li { background: var(--card); border-radius: 8px; padding: 10px 16px; color: var(--dim); flex: 1 1 130px; }
.tiles b { display: block; font-size: 22px; color: var(--text); font-variant-numeric: tabular-nums; }
figure { margin: 20px 0; } svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--dim); } svg .name { fill: var(--text); }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .band { fill: var(--band); opacity: .30; } svg .after { fill: var(--band); opacity: .12; }
svg .acks { fill: var(--acks); opacity: .85; } svg .failures { fill: var(--bad); }
svg .median, svg .high { fill: none; stroke-width: 1.5; } svg .median { stroke: var(--median); } svg .high { stroke: var(--high); }
svg .hit { fill: transparent; } svg .hit:hover { fill: var(--dim); opacity: .25; }
svg .vital { fill: none; stroke-width: 1.2; } svg .first { stroke: var(--acks); } svg .second { stroke: var(--median); } svg .third { stroke: var(--high); }
svg text.first { stroke: none; fill: var(--acks); } svg text.second { stroke: none; fill: var(--median); } svg text.third { stroke: none; fill: var(--high); }
svg text.median { stroke: none; fill: var(--median); } svg text.high { stroke: none; fill: var(--high); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--dim); font-weight: 600; } td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums; }
.violations pre { white-space: pre-wrap; margin: 0; color: var(--bad); font-size: 12px; }
`;
