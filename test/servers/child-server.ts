// One real server as a child process: started, waited for, stopped, paused, killed and ended by its own process id.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

type ChildServerOptions = {
  /** What messages call it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whom it runs as; by default as the tests do. */
  readonly user?: readonly string[];
  /** Resolves true once the server answers in its own protocol. */
  isReady(): Promise<boolean>;
  readonly readyTimeoutMs: number;
};

const OUTPUT_KEPT = 16_384;

/** Arguments of setpriv for a server that must not run as root; none where the tests are not root themselves. */
export function asUser(name: string): readonly string[] {
  return process.getuid?.() === 0 ? ['--reuid', name, '--regid', name, '--clear-groups'] : [];
}

/** A server that may be started again and again on the same ports and data. */
export class ChildServer {
  readonly #options: ChildServerOptions;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(options: ChildServerOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Of the process that ended by itself; null while it runs, or where a signal ended it. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** The last 16 KiB of what the server wrote. */
  get output(): string {
    return this.#output;
  }

  /**
   * Starts the process and resolves when it is ready; rejects with its output if it ends or stays silent. `variables` are
   * in its environment this time only.
   */
  async start(variables: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.launch(variables);
    await this.ready();
  }

  /** Starts the process only. setpriv ends it when the thread that started it dies, so that nothing is left behind. */
  async launch(variables: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.isRunning) return;
    const { command, args, directory, environment, user = [] } = this.#options;
    const child = spawn('setpriv', [...user, '--pdeathsig', 'KILL', '--', command, ...args], {
      cwd: directory,
      env: { ...process.env, ...environment, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString('latin1')).slice(-OUTPUT_KEPT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    await once(child, 'spawn');
  }

  async ready(): Promise<void> {
    const { name, readyTimeoutMs, isReady } = this.#options;
    const deadline = performance.now() + readyTimeoutMs;
    while (!(await isReady().catch(() => false))) {
      if (!this.isRunning) throw new Error(`${name} ended before it was ready:\n${this.#output}`);
      if (performance.now() > deadline) {
        await this.kill();
        throw new Error(`${name} was not ready after ${readyTimeoutMs} ms:\n${this.#output}`);
      }
      await delay(25);
    }
  }

  /** Asks the server to end in order (SIGTERM); kills it if it has not after `timeoutMs`. */
  async stop(timeoutMs = 15_000): Promise<void> {
    const ended = this.#end('SIGTERM');
    const patience = setTimeout(() => this.#signalTree('SIGKILL'), timeoutMs);
    await ended;
    clearTimeout(patience);
  }

  /** kill -9 of the server and of all its children. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGSTOP; resolves when the kernel says that every process is stopped. */
  async pause(): Promise<void> {
    // Looked up again each time: a process may have had a child between the look and the signal.
    // A zombie stays one: its parent is stopped.
    const still = ['T', 't', 'Z', undefined];
    while (this.#signalTree('SIGSTOP').some((pid) => !still.includes(stateOf(pid)))) await delay(1);
  }

  resume(): void {
    this.#signalTree('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const exited = once(child, 'exit');
    const tree = this.#signalTree(signal);
    if (signal !== 'SIGKILL') this.#signalTree('SIGCONT');
    await exited;
    if (signal !== 'SIGKILL') return;
    // Its children are dying too; while one lives, the data and the ports are not free.
    while (tree.some((pid) => !['Z', 'X', undefined].includes(stateOf(pid)))) await delay(1);
  }

  #signalTree(signal: NodeJS.Signals): number[] {
    if (this.#child?.pid === undefined || !this.isRunning) return [];
    const tree = descendants(this.#child.pid);
    // An orderly end is the first process's own business; every other signal is for all of them.
    for (const pid of signal === 'SIGTERM' ? tree.slice(0, 1) : tree) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended by itself meanwhile.
      }
    }
    return tree;
  }
}

/** What a test may do to a server that lives in one directory of its own. */
export type ServerControls = {
  readonly directory: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** Starts it again on the same ports and data; resolves when it is ready. */
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
  output(): string;
  /** Whether it answers in its own protocol within a second. */
  isReady(): Promise<boolean>;
  /** Of the process itself; undefined before the first start. */
  pid(): number | undefined;
  /** Ends it and removes its directory. */
  close(): Promise<void>;
};

/** Starts the server and hands out its controls; leaves nothing behind when it cannot be started. */
export async function startAlone(options: ChildServerOptions): Promise<ServerControls> {
  const server = new ChildServer(options);
  const close = async () => {
    await server.kill();
    rmSync(options.directory, { recursive: true, force: true });
  };
  try {
    await server.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    directory: options.directory,
    kill: () => server.kill(),
    stop: () => server.stop(),
    start: () => server.start(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    output: () => server.output,
    isReady: () => options.isReady().catch(() => false),
    pid: () => server.pid,
    close,
  };
}

/** The process and all its descendants, parents first, by /proc. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = statOf(Number(entry))?.[1];
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  const found = [root];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

function stateOf(pid: number): string | undefined {
  return statOf(pid)?.[0];
}

/** The fields of /proc/PID/stat after the name: state, parent, …; undefined when there is no such process. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
