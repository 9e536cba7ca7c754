// A row of the bench: contestants measured in turn, round by round, and what their figures say of each other.
import { available } from '../servers/available.ts';
import type { ServerName } from '../servers/install.ts';

export type BenchOptions = {
  readonly rounds: number;
  /** Of one measurement of what runs as long as one likes. */
  readonly seconds: number;
  readonly connections: number;
  /** In the store, where the row is about many. */
  readonly keys: number;
  readonly watchers: number;
};

type Figure = { readonly unit: string; readonly better: 'more' | 'less' };

export type Contestant = {
  readonly name: string;
  /** One figure for each that the row names; what is left out does not exist for this contestant. */
  measure(): Promise<Readonly<Record<string, number>>>;
};

export type Contest = {
  /** The first is ours; each of the others is compared with it. */
  readonly contestants: readonly Contestant[];
  close(): Promise<void>;
};

export type Row<Options = BenchOptions> = {
  readonly name: string;
  /** A sentence for --help and the table's legend. */
  readonly help: string;
  readonly needs: readonly ServerName[];
  readonly figures: Readonly<Record<string, Figure>>;
  /** The first turn only warms up and is not counted. */
  readonly warmsUp: boolean;
  open(options: Options): Promise<Contest>;
};

/** One line of the table: a figure of ours beside the same of another. */
export type Line = {
  readonly row: string;
  readonly figure: string;
  readonly unit: string;
  readonly ours: number;
  readonly other: string;
  readonly theirs: number;
  /** How many times better ours is, by the median of the rounds: below 1 it is worse. */
  readonly timesBetter: number;
};

/** All of them, or those named. Throws a TypeError for a name that no row has. */
export function rowsNamed<Options>(rows: readonly Row<Options>[], names: readonly string[] | undefined) {
  return names === undefined ? rows : names.map((name) => rowNamed(rows, name));
}

function rowNamed<Options>(rows: readonly Row<Options>[], name: string): Row<Options> {
  const row = rows.find((one) => one.name === name);
  if (row === undefined)
    throw new TypeError(`no such row: ${name}; there are ${rows.map((one) => one.name).join('; ')}`);
  return row;
}

/** Row after row, told on standard error; one whose servers cannot be had says so itself. */
export async function holdAll<Options extends { readonly rounds: number }>(
  rows: readonly Row<Options>[],
  options: Options,
): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const row of rows) {
    if (!row.needs.every(available)) continue;
    lines.push(...(await hold(row, options, (text) => process.stderr.write(`${text}\n`))));
  }
  return lines;
}

type Rounds = Readonly<Record<string, number>>[];

/** Measures each contestant once a round. */
export async function hold<Options extends { readonly rounds: number }>(
  row: Row<Options>,
  options: Options,
  progress: (text: string) => void,
): Promise<Line[]> {
  const contest = await row.open(options);
  try {
    const { contestants } = contest;
    const measured = contestants.map((): Rounds => []);
    if (row.warmsUp) for (const { measure } of contestants) await measure();
    for (let round = 1; round <= options.rounds; round++) {
      for (const [at, { measure }] of contestants.entries()) measured[at]?.push(await measure());
      const first = linesOf(row, contestants, measured).filter(({ figure }) => figure === Object.keys(row.figures)[0]);
      const ratios = first.map(({ figure, other, timesBetter }) => `${figure} ${timesBetter.toFixed(2)} × ${other}`);
      progress(`${row.name}, round ${round} of ${options.rounds}: ${ratios.join(', ')} so far`);
    }
    return linesOf(row, contestants, measured);
  } finally {
    await contest.close();
  }
}

function linesOf(
  row: Pick<Row, 'name' | 'figures'>,
  contestants: readonly Contestant[],
  measured: readonly Rounds[],
): Line[] {
  const ours = measured[0] ?? [];
  return Object.entries(row.figures).flatMap(([figure, { unit, better }]) =>
    contestants.slice(1).flatMap(({ name: other }, at) => {
      const theirs = measured[at + 1] ?? [];
      if (theirs[0]?.[figure] === undefined || ours[0]?.[figure] === undefined) return [];
      const [mine, its] = [ours, theirs].map((rounds) => rounds.map((round) => round[figure] ?? Number.NaN));
      // Each round is compared with its own neighbour: the machine drifts from minute to minute.
      const ratios = (mine ?? []).map((one, round) => one / (its?.[round] ?? Number.NaN));
      const timesBetter = median(better === 'more' ? ratios : ratios.map((ratio) => 1 / ratio));
      return [{ row: row.name, figure, unit, ours: median(mine ?? []), other, theirs: median(its ?? []), timesBetter }];
    }),
  );
}

export function median(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
