// A way to a server on which what a client says can be held back, and be let go later, even when the client is gone.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type HeldWay = {
  readonly port: number;
  /**
   * From the next piece that has `text` in it, nothing of that connection goes on to the server. Resolves when such a piece has
   * come. `text` must come in one piece.
   */
  hold(text: string): Promise<void>;
  /** Lets go what was held; resolves with what the server said to it within `withinMs`, '' if it had hung up before. */
  release(withinMs: number): Promise<string>;
  /** Holds nothing back any more; what was held goes on. */
  forget(): void;
  /** Ends the held connection; what was held is lost. */
  drop(): void;
  close(): void;
};

type Held = { readonly near: Socket; readonly far: Socket; readonly pieces: Buffer[] };

/** From its own port to `port`, both of 127.0.0.1. */
export async function startHeldWay(port: number): Promise<HeldWay> {
  let wanted: { readonly text: string; readonly come: () => void } | undefined;
  let held: Held | undefined;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.on('data', (piece: Buffer) => {
      if (wanted !== undefined && held === undefined && piece.includes(wanted.text)) {
        held = { near, far, pieces: [] };
        wanted.come();
        wanted = undefined;
      }
      if (held?.near === near) held.pieces.push(piece);
      else far.write(piece);
    });
    far.on('data', (piece) => near.write(piece));
    // What is held outlives its client.
    near.on('error', () => {}).on('close', () => held?.near === near || far.destroy());
    far.on('error', () => {}).on('close', () => near.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    hold(text) {
      return new Promise((come) => {
        wanted = { text, come };
      });
    },
    forget() {
      wanted = undefined;
      for (const piece of held?.pieces ?? []) held?.far.write(piece);
      held = undefined;
    },
    async release(withinMs) {
      const { near, far, pieces } = held ?? noneHeld();
      held = undefined;
      if (far.destroyed) return '';
      const reply = once(far, 'data', { signal: AbortSignal.timeout(withinMs) });
      for (const piece of pieces) far.write(piece);
      const [said] = await reply.catch(() => ['']);
      if (near.destroyed) far.destroy();
      return String(said);
    },
    drop() {
      const { near, far } = held ?? noneHeld();
      held = undefined;
      near.destroy();
      far.destroy();
    },
    close() {
      held = undefined;
      server.close();
    },
  };
}

function noneHeld(): never {
  throw new Error('nothing is held');
}
