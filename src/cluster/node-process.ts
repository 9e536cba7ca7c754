// One node of `npm start` as a child process: started with its log file, heard until it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SUPERVISOR_LIMITS } from '../base/start-limits.ts';

export type NodePlan = {
  readonly id: string;
  /** `http://127.0.0.1:8001` */
  readonly origin: string;
  readonly flags: readonly string[];
  /** What it writes goes here. */
  readonly logPath: string;
};

export type NodeEnd = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The sentence that it left, or ''. */
  readonly sentence: string;
};

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const KEPT_CHARACTERS = 4096;

/**
 * Starts a node with this process's own Node.js. It has a process group of its own, so that Ctrl-C in a terminal reaches the
 * supervisor alone; and a channel whose end tells it that the supervisor is gone.
 */
export function startNodeProcess(plan: NodePlan, onEnd: (end: NodeEnd) => void): ChildProcess {
  const log = openLogFile(plan.logPath);
  const child = spawn(process.execPath, [MAIN, ...plan.flags], {
    // Half of what a start takes is the compiling of the sources.
    env: { NODE_COMPILE_CACHE: join(dirname(plan.logPath), 'compiled'), ...process.env },
    stdio: ['ignore', log, 'pipe', 'ipc'],
    detached: true,
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-KEPT_CHARACTERS);
    writeSync(log, chunk);
  });
  // 'close' comes after 'exit' and after the last of what it wrote; a failed spawn brings 'error' alone.
  child.once('close', (code, signal) => {
    closeSync(log);
    onEnd({ code, signal, sentence: sentenceIn(words) });
  });
  child.once('error', (error) => {
    if (child.pid === undefined) onEnd({ code: null, signal: null, sentence: error.message });
  });
  return child;
}

/** A log that has grown too long makes room: one old one is kept. */
function openLogFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > SUPERVISOR_LIMITS.nodeLogBytes) renameSync(path, `${path}.1`);
  return openSync(path, 'a');
}

/** main.ts puts its name before the sentence that it ends with. */
function sentenceIn(words: string): string {
  return /^chorus: (.*)$/m.exec(words)?.[1] ?? '';
}
