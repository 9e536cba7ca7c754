// The timeline as an SVG picture: faults as bands over panels of one time, acknowledgements, latency, failed requests, what nodes took.
import type { Band, Slot, Timeline } from './timeline.ts';
import { VITAL_NAMES, VITALS, type Vital, type VitalName } from './vitals.ts';

const WIDTH = 1200;
const LEFT = 60;
const RIGHT = WIDTH - 12;
const LANE = 15;
const LANES = 4;
const TOP = LANES * LANE + 10;
const PANEL = { acknowledged: 130, latency: 130, failed: 80, vital: 60 } as const;
const GAP = 26;
const CHARACTER = 6.2;
const SLOWEST_MS = 30_000;
const LATENCIES_MS = [1, 10, 100, 1_000, 10_000];
const NODE_STYLES = ['first', 'second', 'third'];

export function chart(timeline: Timeline, vitals: readonly Vital[]): string {
  const { bands, slotSeconds } = timeline;
  const slots = { seconds: slotSeconds, all: timeline.slots() };
  const lengthMs = Math.max(
    1000,
    slots.all.length * slotSeconds * 1000,
    ...bands.map(({ recoveredMs, endMs }) => recoveredMs ?? endMs),
  );
  const x = (ms: number) => LEFT + (ms / lengthMs) * (RIGHT - LEFT);
  const acknowledgedAt = TOP;
  const latencyAt = acknowledgedAt + PANEL.acknowledged + GAP;
  const failedAt = latencyAt + PANEL.latency + GAP;
  const vitalsAt = failedAt + PANEL.failed + GAP;
  const drawn = vitals.length === 0 ? [] : VITAL_NAMES;
  const bottom = vitalsAt - GAP + drawn.length * (PANEL.vital + GAP);
  const parts = [
    ...bandsOf(bands, x, bottom),
    ...bars(slots, x, { at: acknowledgedAt, height: PANEL.acknowledged, name: 'acknowledged writes a second' }, 'acks'),
    ...latencies(slots, x, latencyAt),
    ...bars(slots, x, { at: failedAt, height: PANEL.failed, name: 'failed requests a second' }, 'failures'),
    ...drawn.flatMap((which, n) => lines(vitals, which, x, vitalsAt + n * (PANEL.vital + GAP))),
    ...timeAxis(lengthMs, x, bottom),
    ...hits(slots, x, bottom),
  ];
  return `<svg viewBox="0 0 ${WIDTH} ${bottom + 24}" role="img" aria-label="Timeline of the drill">${parts.join('')}</svg>`;
}

type Scale = (ms: number) => number;
type Slots = { readonly seconds: number; readonly all: readonly Slot[] };
type Panel = { readonly at: number; readonly height: number; readonly name: string };

function bandsOf(bands: readonly Band[], x: Scale, bottom: number): string[] {
  const ends = Array<number>(LANES).fill(0);
  return bands.map(({ name, fromMs, endMs, recoveredMs, evidence }) => {
    const from = x(fromMs);
    const free = ends.findIndex((end) => end <= from);
    // Where too many are near each other the name is in the title alone.
    const lane = Math.max(0, free);
    if (free >= 0) ends[lane] = from + name.length * CHARACTER + 6;
    const isFar = from + name.length * CHARACTER > RIGHT;
    const text =
      free < 0
        ? ''
        : `<text class="name" x="${round(isFar ? RIGHT : from + 2)}" y="${lane * LANE + 12}"${isFar ? ' text-anchor="end"' : ''}>${name}</text>`;
    const top = lane * LANE + 15;
    return [
      `<g><title>${escaped(`${name}: ${evidence ?? 'did not take effect'}`)}</title>`,
      rect('band', from, top, x(endMs) - from, bottom - top),
      recoveredMs === undefined ? '' : rect('after', x(endMs), TOP, x(recoveredMs) - x(endMs), bottom - TOP),
      `${text}</g>`,
    ].join('');
  });
}

function bars(slots: Slots, x: Scale, panel: Panel, which: 'acks' | 'failures'): string[] {
  const { at, height, name } = panel;
  const values = slots.all.map(({ acknowledged, failed }) => (which === 'acks' ? acknowledged : failed));
  const highest = Math.max(1, ...values);
  const slotMs = slots.seconds * 1000;
  const width = Math.max(0.5, x(slotMs) - x(0) - 0.4);
  return [
    ...gridLine(at, String(round(highest))),
    ...gridLine(at + height, '0'),
    `<text x="${LEFT}" y="${at - 5}">${name}</text>`,
    ...values.flatMap((value, slot) => {
      const tall = (value / highest) * height;
      return value === 0 ? [] : [rect(which, x(slot * slotMs), at + height - tall, width, tall)];
    }),
  ];
}

function latencies(slots: Slots, x: Scale, at: number): string[] {
  const y = (ms: number) => {
    const share = Math.log10(Math.min(SLOWEST_MS, Math.max(1, ms))) / Math.log10(SLOWEST_MS);
    return at + PANEL.latency * (1 - share);
  };
  const line = (which: 'median' | 'high', of: (slot: Slot) => number) => {
    let isOpen = false;
    const path = slots.all.map((slot, n) => {
      if (slot.acknowledged === 0) {
        isOpen = false;
        return '';
      }
      const command = isOpen ? 'L' : 'M';
      isOpen = true;
      return `${command}${round(x((n + 0.5) * slots.seconds * 1000))} ${round(y(of(slot)))}`;
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

/** A line for each process of each node. */
function lines(vitals: readonly Vital[], which: VitalName, x: Scale, at: number): string[] {
  const { name, text } = VITALS[which];
  const highest = Math.max(1, ...vitals.map((vital) => vital[which]));
  const nodes = [...new Set(vitals.map(({ node }) => node))].sort();
  const y = (value: number) => at + PANEL.vital * (1 - Math.max(0, value) / highest);
  return [
    ...gridLine(at, text(highest)),
    ...gridLine(at + PANEL.vital, '0'),
    `<text x="${LEFT}" y="${at - 5}">${name}:</text>`,
    ...nodes.flatMap((node, n) => {
      const style = NODE_STYLES[n % NODE_STYLES.length];
      const lives = Map.groupBy(
        vitals.filter((vital) => vital.node === node),
        ({ pid }) => pid,
      );
      const paths = [...lives.values()].map((life) => {
        const points = life.map((vital) => `${round(x(vital.atMs))} ${round(y(vital[which]))}`);
        return `<path class="vital ${style}" d="M${points.join('L')}"/>`;
      });
      return [`<text class="${style}" x="${LEFT + 172 + n * 50}" y="${at - 5}">${node}</text>`, ...paths];
    }),
  ];
}

/** What the pointer finds: each slot's figures. */
function hits(slots: Slots, x: Scale, bottom: number): string[] {
  const slotMs = slots.seconds * 1000;
  return slots.all.map(({ acknowledged, failed, p50Ms, p99Ms, maxMs }, n) => {
    const figures = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, slowest ${maxMs.toFixed(0)} ms`;
    const title = `second ${n * slots.seconds}: ${round(acknowledged)} acknowledged, ${round(failed)} failed a second; ${figures}`;
    const box = { x: round(x(n * slotMs)), width: round(x(slotMs) - x(0)), height: bottom - TOP };
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
