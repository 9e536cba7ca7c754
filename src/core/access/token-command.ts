// The commands of tokens as values.
import type { Claims } from './tokens.ts';

/** Lets in whoever shows the token with this digest, as far as its scopes go. */
export type CreateToken = Claims & { readonly type: 'create-token' };

/** The token of this name lets nobody in any more. */
export type RevokeToken = { readonly type: 'revoke-token'; readonly name: string };

export type TokenCommand = CreateToken | RevokeToken;
