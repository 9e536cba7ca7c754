// What the drill shows: a progress bar while it runs, and a table at the end.
import { cpus } from 'node:os';

const BAR_WIDTH = 30;
const FAULTS_SHOWN = 20;

export type Row = readonly [name: string, value: string];

/** Draws a bar on standard error twice a second; where that is no terminal, a line each tenth. Returns what ends it. */
export function showProgress(title: string, total: number, done: () => number, note: () => string): () => void {
  let lastTenth = -1;
  const draw = () => {
    const share = Math.min(1, done() / total);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
    const line = `${title} ${bar} ${Math.floor(share * 100)} %  ${done()} of ${total}  ${note()}`;
    const tenth = Math.floor(share * 10);
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
    else if (tenth > lastTenth) process.stderr.write(`${line}\n`);
    lastTenth = tenth;
  };
  const timer = setInterval(draw, 500);
  return () => {
    clearInterval(timer);
    draw();
    if (process.stderr.isTTY) process.stderr.write('\n');
  };
}

export function tableOf(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

/** A line each; of too many the first. */
export function printFaults(faults: readonly string[]): void {
  for (const fault of faults.slice(0, FAULTS_SHOWN)) console.log(`FAULT ${fault}`);
  if (faults.length > FAULTS_SHOWN) console.log(`… and ${faults.length - FAULTS_SHOWN} more`);
}

/** `12.3 s` or `345 ms`. */
export function durationText(ms: number): string {
  return ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`;
}

/** Machine, Node and date: a figure without them says nothing. */
export function circumstances(): string {
  const all = cpus();
  const model = all[0]?.model.trim() ?? 'unknown processor';
  return `${all.length} × ${model}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 16)}Z`;
}
