// The text of --help, written from the table of settings so that it is always complete.
import type { Setting } from './setting-kinds.ts';
import { SETTING_TABLE } from './setting-table.ts';
import type { Program } from './settings.ts';

const HEADS: Readonly<Record<Program, string>> = {
  node: `Runs one Chorus node.

  node src/main.ts [flags]`,
  cluster: `Runs a Chorus cluster on this machine: nodes on ports next to each other and a round-robin gateway before them.

  npm start -- [flags]`,
};

const TAIL = `  --config <file>
      A file like config.sample.ts.
      variable CHORUS_CONFIG, default ./config.ts where there is one
  --help, -h
      This text.
  --version, -v
      The version.

A flag goes before its variable, a variable before config.ts, config.ts before the default.
Exit codes: 0 stopped as asked, 64 bad settings or a node id already live, 69 log unreachable at the start,
70 a bug, 74 data or log damaged or of another cluster.
`;

/** All flags of a program, each with its variable, its name in config.ts and its default. */
export function helpText(program: Program): string {
  const rows = Object.entries<Setting<unknown>>(SETTING_TABLE)
    .filter(([, row]) => row.onlyFor === undefined || row.onlyFor === program)
    .map(
      ([name, row]) => `  --${row.flag} ${row.placeholder}
      ${row.help}
      config.ts ${name}, variable ${row.variable}, default ${row.fallbackText}`,
    );
  return `${HEADS[program]}\n\n${rows.join('\n')}\n${TAIL}`;
}
