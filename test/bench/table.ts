// What a bench prints: its lines as one table, and the machine they are worth something for.
import { cpus, loadavg } from 'node:os';
import type { Line } from './contest.ts';

export function tableOf(lines: readonly Line[]): string {
  const cells = lines.map(({ row, figure, unit, ours, other, theirs, timesBetter }) => [
    row,
    `${figure}, ${unit}`,
    numberText(ours),
    other,
    numberText(theirs),
    `${timesBetter.toFixed(2)} ×`,
  ]);
  const all = [['row', 'figure', 'Chorus', 'beside', 'its figure', 'Chorus is better'], ...cells];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const text = all.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [text[0], rule, ...text.slice(1)].join('\n');
}

function numberText(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `how` says what was done how often. */
export function circumstancesOf(how: string): string {
  const all = cpus();
  const machine = `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}`;
  const load = `load ${loadavg()[0]?.toFixed(1)} at the end`;
  return `${machine}, ${new Date().toISOString().slice(0, 10)}; ${how}; ${load}`;
}
