// A TCP way to a server on which bytes can be dropped, delayed, lost on their way back, or ended by a reset: what networks do.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * `drop`: nothing passes in either direction, and nobody is told. `half-open`: what is sent arrives, no answer comes back.
 * `delay`: every byte comes `ms` later. `reset`: a connection is reset once `afterBytes` more have come back on it.
 */
export type WayFault =
  | { readonly kind: 'none' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'half-open' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'reset'; readonly afterBytes: number };

/** What the faults did so far: proof that they took effect. */
export type WayCounts = { droppedBytes: number; delayedBytes: number; resets: number };

type Direction = 'there' | 'back';
type Late = { readonly dueAt: number; readonly chunk: Buffer };

/** From its own port to `port`, both of 127.0.0.1. */
export async function startFaultyWay(port: number): Promise<FaultyWay> {
  const way = new FaultyWay(port);
  await way.listening();
  return way;
}

export class FaultyWay {
  readonly counts: WayCounts = { droppedBytes: 0, delayedBytes: 0, resets: 0 };
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #fault: WayFault = { kind: 'none' };

  constructor(port: number) {
    this.#server = createServer((near) => {
      const connection = new Connection(near, port, this.counts, this.#fault);
      this.#connections.add(connection);
      near.on('close', () => this.#connections.delete(connection));
    });
  }

  async listening(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on, for old connections and new ones. One that has lost bytes does not live on without the fault. */
  suffer(fault: WayFault): void {
    this.#fault = fault;
    for (const connection of this.#connections) connection.suffer(fault);
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.end();
  }
}

class Connection {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #counts: WayCounts;
  readonly #late: Record<Direction, Late[]> = { there: [], back: [] };
  #fault: WayFault;
  #backBytes = 0;
  #hasLost = false;

  constructor(near: Socket, port: number, counts: WayCounts, fault: WayFault) {
    this.#near = near.setNoDelay(true);
    this.#far = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#counts = counts;
    this.#fault = fault;
    near.on('data', (chunk: Buffer) => this.#carry('there', chunk));
    this.#far.on('data', (chunk: Buffer) => this.#carry('back', chunk));
    near.on('error', () => {}).on('close', () => this.#far.destroy());
    this.#far.on('error', () => {}).on('close', () => this.#near.destroy());
  }

  suffer(fault: WayFault): void {
    this.#fault = fault;
    this.#backBytes = 0;
    if (this.#hasLost) this.end();
  }

  end(): void {
    this.#near.destroy();
    this.#far.destroy();
  }

  #carry(direction: Direction, chunk: Buffer): void {
    const fault = this.#fault;
    const late = this.#late[direction];
    if (fault.kind === 'drop' || (fault.kind === 'half-open' && direction === 'back')) {
      this.#hasLost = true;
      this.#counts.droppedBytes += chunk.length;
    } else if (fault.kind === 'delay' || late.length > 0) {
      const ms = fault.kind === 'delay' ? fault.ms : 0;
      this.#counts.delayedBytes += chunk.length;
      late.push({ dueAt: Math.max(performance.now() + ms, late.at(-1)?.dueAt ?? 0), chunk });
      if (late.length === 1) this.#deliverLate(direction);
    } else if (fault.kind === 'reset' && direction === 'back') {
      this.#carryUntilReset(chunk, fault.afterBytes);
    } else {
      this.#deliver(direction, chunk);
    }
  }

  // What came back before the reset may be thrown away with it by the receiver's kernel, as on a real network.
  #carryUntilReset(chunk: Buffer, afterBytes: number): void {
    const left = afterBytes - this.#backBytes;
    this.#backBytes += chunk.length;
    this.#deliver('back', chunk.subarray(0, Math.max(0, left)));
    if (chunk.length < left) return;
    this.#counts.resets += 1;
    this.#near.resetAndDestroy();
    this.#far.destroy();
  }

  #deliverLate(direction: Direction): void {
    const [first] = this.#late[direction];
    if (first === undefined) return;
    setTimeout(
      () => {
        this.#late[direction].shift();
        this.#deliver(direction, first.chunk);
        this.#deliverLate(direction);
      },
      Math.max(0, first.dueAt - performance.now()),
    );
  }

  #deliver(direction: Direction, chunk: Buffer): void {
    const to = direction === 'there' ? this.#far : this.#near;
    if (!to.destroyed) to.write(chunk);
  }
}
