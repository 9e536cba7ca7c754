// The command lines of the drills, the benches, the fuzzing and the simulator: --help, the options, and the exit code.
import { EXIT, messageOf } from '../src/base/errors.ts';

type CommandLine<Options> = {
  /** What --help prints, and a wrong option after its sentence. */
  readonly usage: string;
  /** Throws a TypeError with a sentence about the first wrong option. */
  read(words: readonly string[]): Options;
  /** Resolves with the exit code. */
  run(options: Options): Promise<number>;
};

/** Runs this process's command line; its exit code is 64 when an option is wrong, and nothing has run then. */
export async function runCommandLine<Options>({ usage, read, run }: CommandLine<Options>): Promise<void> {
  const words = process.argv.slice(2);
  if (words.includes('--help')) {
    console.log(usage);
    return;
  }
  let options: Options;
  try {
    options = read(words);
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${usage}`);
    process.exitCode = EXIT.badConfiguration;
    return;
  }
  process.exitCode = await run(options);
}

/** A whole number from `least` on; else a TypeError. */
export function countOf(name: string, text: string, least: number): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= least) return count;
  throw new TypeError(`--${name} must be a whole number from ${least} on, not ${text}`);
}

/** A number above 0, `most` at the most; else a TypeError. */
export function amountOf(name: string, text: string, most = Number.POSITIVE_INFINITY): number {
  const amount = Number(text);
  if (amount > 0 && amount <= most) return amount;
  const bound = most === Number.POSITIVE_INFINITY ? '' : `, ${most} at most`;
  throw new TypeError(`--${name} must be a number above 0${bound}, not ${text}`);
}

/** One of `all`; else a TypeError. */
export function among<const T extends string>(name: string, text: string, all: readonly T[]): T {
  const found = all.find((one) => one === text);
  if (found !== undefined) return found;
  throw new TypeError(`--${name} must be one of ${all.join(', ')}, not ${text}`);
}

/** What was given of the numbers that have a default, the others by it. */
export function numbersOf<Name extends string>(
  defaults: Readonly<Record<Name, number>>,
  given: Readonly<Partial<Record<NoInfer<Name>, string>>>,
  read: (name: string, text: string) => number = amountOf,
): Readonly<Record<Name, number>> {
  const numbers: Record<Name, number> = { ...defaults };
  for (const name of Object.keys(defaults) as Name[]) {
    const text = given[name];
    if (text !== undefined) numbers[name] = read(name, text);
  }
  return numbers;
}

/** For a run that was given none: it is printed, so that the run can be had again. */
export function freshSeed(): string {
  return String(Date.now() % 1_000_000);
}
