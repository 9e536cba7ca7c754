// The timeline as an SVG picture: faults as bands over three panels of one time, acknowledgements, latency (logarithmic) and failed requests.
import type { Band, Second } from './timeline.ts';

const WIDTH = 1200;
const LEFT = 60;
const RIGHT = WIDTH - 12;
const LANE = 15;
const LANES = 4;
const TOP = LANES * LANE + 10;
const PANEL = { acknowledged: 130, latency: 130, failed: 80 } as const;
const GAP = 26;
const CHARACTER = 6.2;
const SLOWEST_MS = 30_000;
const LATENCIES_MS = [1, 10, 100, 1_000, 10_000];

/** Seconds are those of the timeline, from its start on. */
export function chart(seconds: readonly Second[], bands: readonly Band[]): string {
  const lengthMs = Math.max(
    1000,
    seconds.length * 1000,
    ...bands.map(({ recoveredMs, endMs }) => recoveredMs ?? endMs),
  );
  const x = (ms: number) => LEFT + (ms / lengthMs) * (RIGHT - LEFT);
  const acknowledgedAt = TOP;
  const latencyAt = acknowledgedAt + PANEL.acknowledged + GAP;
  const failedAt = latencyAt + PANEL.latency + GAP;
  const bottom = failedAt + PANEL.failed;
  const parts = [
    ...bandsOf(bands, x, bottom),
    ...bars(
      seconds,
      x,
      { at: acknowledgedAt, height: PANEL.acknowledged, name: 'acknowledged writes a second' },
      'acks',
    ),
    ...latencies(seconds, x, latencyAt),
    ...bars(seconds, x, { at: failedAt, height: PANEL.failed, name: 'failed requests a second' }, 'failures'),
    ...timeAxis(lengthMs, x, bottom),
    ...hits(seconds, x, bottom),
  ];
  return `<svg viewBox="0 0 ${WIDTH} ${bottom + 24}" role="img" aria-label="Timeline of the drill">${parts.join('')}</svg>`;
}

type Scale = (ms: number) => number;
type Panel = { readonly at: number; readonly height: number; readonly name: string };

function bandsOf(bands: readonly Band[], x: Scale, bottom: number): string[] {
  const ends = Array<number>(LANES).fill(0);
  return bands.map(({ name, fromMs, endMs, recoveredMs, evidence }) => {
    const from = x(fromMs);
    const free = ends.findIndex((end) => end <= from);
    const lane = free === -1 ? ends.indexOf(Math.min(...ends)) : free;
    ends[lane] = from + name.length * CHARACTER + 6;
    const isFar = from + name.length * CHARACTER > RIGHT;
    const text = `<text class="name" x="${round(isFar ? RIGHT : from + 2)}" y="${lane * LANE + 12}"${isFar ? ' text-anchor="end"' : ''}>${name}</text>`;
    const top = lane * LANE + 15;
    return [
      `<g><title>${escaped(`${name}: ${evidence ?? 'did not take effect'}`)}</title>`,
      rect('band', from, top, x(endMs) - from, bottom - top),
      recoveredMs === undefined ? '' : rect('after', x(endMs), TOP, x(recoveredMs) - x(endMs), bottom - TOP),
      `${text}</g>`,
    ].join('');
  });
}

function bars(seconds: readonly Second[], x: Scale, panel: Panel, which: 'acks' | 'failures'): string[] {
  const { at, height, name } = panel;
  const values = seconds.map(({ acknowledged, failed }) => (which === 'acks' ? acknowledged : failed));
  const highest = Math.max(1, ...values);
  const width = Math.max(0.5, x(1000) - x(0) - 0.4);
  return [
    ...gridLine(at, String(highest)),
    ...gridLine(at + height, '0'),
    `<text x="${LEFT}" y="${at - 5}">${name}</text>`,
    ...values.flatMap((value, second) => {
      const tall = (value / highest) * height;
      return value === 0 ? [] : [rect(which, x(second * 1000), at + height - tall, width, tall)];
    }),
  ];
}

function latencies(seconds: readonly Second[], x: Scale, at: number): string[] {
  const y = (ms: number) => {
    const share = Math.log10(Math.min(SLOWEST_MS, Math.max(1, ms))) / Math.log10(SLOWEST_MS);
    return at + PANEL.latency * (1 - share);
  };
  const line = (which: 'median' | 'high', of: (second: Second) => number) => {
    let isOpen = false;
    const path = seconds.map((second, n) => {
      if (second.acknowledged === 0) {
        isOpen = false;
        return '';
      }
      const command = isOpen ? 'L' : 'M';
      isOpen = true;
      return `${command}${round(x(n * 1000 + 500))} ${round(y(of(second)))}`;
    });
    return `<path class="${which}" d="${path.join('')}"/>`;
  };
  return [
    ...LATENCIES_MS.flatMap((ms) => gridLine(y(ms), ms < 1000 ? `${ms} ms` : `${ms / 1000} s`)),
    `<text x="${LEFT}" y="${at - 5}">latency of acknowledged writes:</text>`,
    `<text class="median" x="${LEFT + 182}" y="${at - 5}">p50</text><text class="high" x="${LEFT + 209}" y="${at - 5}">p99</text>`,
    line('median', ({ p50Ms }) => p50Ms),
    line('high', ({ p99Ms }) => p99Ms),
  ];
}

function timeAxis(lengthMs: number, x: Scale, bottom: number): string[] {
  const steps = [5, 10, 15, 30, 60, 120, 300, 600].map((seconds) => seconds * 1000);
  const step = steps.find((ms) => lengthMs / ms <= 14) ?? 1_200_000;
  return Array.from({ length: Math.floor(lengthMs / step) + 1 }, (_, n) => {
    const ms = n * step;
    const text = `${Math.floor(ms / 60_000)}:${String((ms / 1000) % 60).padStart(2, '0')}`;
    return `<text x="${round(x(ms))}" y="${bottom + 16}" text-anchor="middle">${text}</text>`;
  });
}

/** What the pointer finds: each second's figures. */
function hits(seconds: readonly Second[], x: Scale, bottom: number): string[] {
  return seconds.map(({ acknowledged, failed, p50Ms, p99Ms, maxMs }, n) => {
    const figures = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, slowest ${maxMs.toFixed(0)} ms`;
    const title = `second ${n}: ${acknowledged} acknowledged, ${failed} failed; ${figures}`;
    const box = { x: round(x(n * 1000)), width: round(x(1000) - x(0)), height: bottom - TOP };
    return `<rect class="hit" x="${box.x}" y="${TOP}" width="${box.width}" height="${box.height}"><title>${title}</title></rect>`;
  });
}

function gridLine(y: number, text: string): string[] {
  const at = round(y);
  return [
    `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/>`,
    `<text x="${LEFT - 6}" y="${round(y + 4)}" text-anchor="end">${text}</text>`,
  ];
}

function rect(style: string, x: number, y: number, width: number, height: number): string {
  const box = { width: Math.max(0, round(width)), height: Math.max(0, round(height)) };
  return `<rect class="${style}" x="${round(x)}" y="${round(y)}" width="${box.width}" height="${box.height}"/>`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
