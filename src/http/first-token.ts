// A node that nobody could ask anything is not started: where tokens are asked for there must be a first one.
import { EXIT, FatalError } from '../base/errors.ts';
import type { Clock } from '../base/world.ts';
import type { NodeApi } from '../node/node-api.ts';
import type { AccessOptions } from './access.ts';

const LOOK_MS = 50;

/** Resolves when the node is ready, for before that it does not know all tokens of the log. Rejects with FatalError (64) where there is none. */
export async function requireFirstToken(
  { node, auth, adminDigest }: AccessOptions & { readonly node: Pick<NodeApi, 'status'> },
  clock: Clock,
): Promise<void> {
  if (auth === 'none' || adminDigest !== undefined) return;
  while (node.status().phase !== 'ready') {
    if (node.status().phase === 'stopping') return;
    await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
  }
  if (node.tokens().size > 0) return;
  throw new FatalError(
    EXIT.badConfiguration,
    'auth is tokens, and there is no token yet: nobody could ask this node anything. Make one with "node src/token.ts new" and start again ' +
      'with the --admin-token-sha256 that it prints; or, where only friends reach the port, say --auth none.',
  );
}
