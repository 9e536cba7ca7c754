// Bugs planted in the tokens: each lets in whom the log does not, or keeps out whom it lets in.
import type { PlantedBug } from './planted.ts';

const COMMANDS = 'src/core/access/token-commands.ts';

export const BUGS_OF_TOKENS: readonly PlantedBug[] = [
  {
    name: 'tokens left out of the snapshot',
    file: 'src/snapshot/cut.ts',
    find: 'writeTokens(writer, state.tokens);',
    replace: 'writeTokens(writer, new Map());',
    // Else the digest of what was restored would tell.
    also: [{ file: 'src/core/state.ts', find: '    hashTokens(hasher, this.tokens);\n', replace: '' }],
  },
  {
    name: 'a revoked token stays',
    file: COMMANDS,
    find: 'filter(([other]) => other !== name)',
    replace: 'filter(([other]) => other !== name || state.revision % 2 === 0)',
  },
  {
    name: 'a name that is taken is taken over',
    file: COMMANDS,
    find: "if (isTaken) return VERDICTS['token-exists'];",
    replace: '',
  },
];
