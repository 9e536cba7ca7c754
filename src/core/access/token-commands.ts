// The commands of tokens: create-token, revoke-token. Both are in the log, so that every node lets in the same.
import { Malformed } from '../../base/bytes.ts';
import { ACCESS_LIMITS } from '../../base/limits.ts';
import type { CommandSpec } from '../commands/spec.ts';
import { VERDICTS } from '../outcome.ts';
import type { CreateToken, RevokeToken } from './token-command.ts';
import { isTokenName, readClaims, writeClaims } from './tokens.ts';

/** The first level with tokens. */
const FEATURE_LEVEL = 7;

// create-token = claims (tokens.ts)
export const createToken: CommandSpec<CreateToken> = {
  number: 40,
  version: 1,
  featureLevel: FEATURE_LEVEL,
  write: writeClaims,
  read: (reader) => ({ type: 'create-token', ...readClaims(reader) }),
  apply(state, { name, digest, scopes }) {
    const isTaken = [...state.tokens.values()].some(
      (token) => token.name === name || Buffer.compare(token.digest, digest) === 0,
    );
    if (isTaken) return VERDICTS['token-exists'];
    if (state.tokens.size >= ACCESS_LIMITS.maxTokens) return VERDICTS['memory-full'];
    state.tokens = new Map([...state.tokens, [name, { name, digest, scopes, createdAt: state.time.now }]]);
    return VERDICTS.created;
  },
};

// revoke-token = name:text8
export const revokeToken: CommandSpec<RevokeToken> = {
  number: 41,
  version: 1,
  featureLevel: FEATURE_LEVEL,
  write: (writer, { name }) => writer.text8(name),
  read(reader) {
    const name = reader.text8();
    if (!isTokenName(name)) throw new Malformed('a token has no such name');
    return { type: 'revoke-token', name };
  },
  apply(state, { name }) {
    if (!state.tokens.has(name)) return VERDICTS['not-found'];
    state.tokens = new Map([...state.tokens].filter(([other]) => other !== name));
    return VERDICTS.deleted;
  },
};
