// One node as the gateway sees it: its connections, whether it is ready, and who waits for it.
import { type buildConnector, Client, Pool } from 'undici';
import { GATEWAY_LIMITS } from '../base/start-limits.ts';
import type { World } from '../base/world.ts';

export type UpstreamOptions = {
  readonly id: string;
  /** `http://127.0.0.1:8001` */
  readonly origin: string;
  readonly connect: buildConnector.connector;
  readonly world: World;
  onReadiness(nodeId: string, isReady: boolean): void;
};

export class Upstream {
  readonly pool: Pool;
  /** Attempts whose answer has not begun; each can be given up. */
  readonly waiting = new Set<(reason: Error) => void>();
  readonly #options: UpstreamOptions;
  readonly #prober: Client;
  #isReady = false;
  #isClosed = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    const { idleTimeoutMs, silenceTimeoutMs } = GATEWAY_LIMITS;
    const connection = { keepAliveTimeout: idleTimeoutMs, connect: options.connect };
    this.pool = new Pool(options.origin, { ...connection, bodyTimeout: silenceTimeoutMs });
    this.#prober = new Client(options.origin, connection);
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  set isReady(isReady: boolean) {
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    this.#options.onReadiness(this.#options.id, isReady);
  }

  /** Asks /readyz, and again a moment after each answer, until closed. */
  async watch(): Promise<void> {
    const { clock } = this.#options.world;
    while (!this.#isClosed) {
      await this.#probe();
      await new Promise<void>((resolve) => clock.after(GATEWAY_LIMITS.probeEveryMs, resolve));
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.pool.destroy(), this.#prober.destroy()]);
  }

  async #probe(): Promise<void> {
    const { clock } = this.#options.world;
    const { probeTimeoutMs } = GATEWAY_LIMITS;
    const startedMs = clock.monotonicMs();
    const silence = new AbortController();
    const cancel = clock.after(probeTimeoutMs, () => silence.abort(new Error('the node is silent')));
    try {
      const { statusCode, body } = await this.#prober.request({
        path: '/readyz',
        method: 'GET',
        signal: silence.signal,
      });
      await body.dump();
      this.isReady = statusCode === 200;
    } catch {
      // A silence that lasted too long says that this process stood still, not that the node is hung.
      if (clock.monotonicMs() - startedMs > 1.5 * probeTimeoutMs) return;
      this.isReady = false;
      if (silence.signal.aborted) for (const giveUp of this.waiting) giveUp(new Error('the node is hung'));
    } finally {
      cancel();
    }
  }
}
