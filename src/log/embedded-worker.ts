// The embedded log's worker thread: owns the file, so that no wait for the disk or a lock ever blocks the node's event loop.
import { parentPort, workerData } from 'node:worker_threads';
import { InvariantBroken } from '../base/assert.ts';
import { EXIT, FatalError, messageOf } from '../base/errors.ts';
import { LOG_LIMITS } from '../base/limits.ts';
import { fatalErrorOf, type LogFile, openLogFile, retryWhileBusy } from './embedded-file.ts';
import { Nudge } from './embedded-nudge.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './embedded-protocol.ts';
import { Readers } from './embedded-readers.ts';
import { Writer } from './embedded-writer.ts';

const port = parentPort;
if (port === null) throw new Error('embedded-worker.ts runs as a worker thread only');
const { dir } = workerData as WorkerOptions;

try {
  serve(await openLogFile(dir));
} catch (error) {
  end(error);
}

function serve(file: LogFile): void {
  const readers = new Readers(file, { post, onFatal });
  const nudge = new Nudge(dir, () => {
    writer.onNudge();
    readers.look();
  });
  const writer = new Writer(file, {
    post,
    onFatal,
    onCommitted() {
      nudge.touch();
      readers.look();
    },
  });
  const poll = setInterval(() => readers.look(), LOG_LIMITS.pollMs);
  let isClosed = false;

  port?.on('message', (message: ToWorker) => {
    if (isClosed) return;
    switch (message.kind) {
      case 'append':
        writer.add(message);
        break;
      case 'follow':
        readers.follow(message.follower, message.from);
        break;
      case 'taken':
        readers.taken(message.follower);
        break;
      case 'unfollow':
        readers.unfollow(message.follower);
        break;
      case 'range':
        answer(message.request, async () => {});
        break;
      case 'trim':
        answer(message.request, () => writer.trim(message.before));
        break;
      case 'close':
        close();
        post({ kind: 'closed' });
        port?.close();
        break;
    }
  });
  post({ kind: 'opened' });

  /** Does the work, then answers the range of the log. */
  function answer(request: number, work: () => Promise<void>): void {
    work()
      .then(() => retryWhileBusy(() => file.range(), LOG_LIMITS.openTimeoutMs))
      .then((range) => post({ kind: 'range', request, range }))
      .catch((error) => {
        post({ kind: 'failed', request, reason: messageOf(error) });
      });
  }

  function onFatal(error: unknown): void {
    if (isClosed) return;
    close();
    end(error);
  }

  function close(): void {
    isClosed = true;
    clearInterval(poll);
    writer.close();
    readers.close();
    nudge.close();
    file.close();
  }
}

/** Says why, and ends the thread. */
function end(error: unknown): void {
  const fatal =
    error instanceof FatalError
      ? error
      : error instanceof InvariantBroken
        ? new FatalError(EXIT.brokenAssertion, error.message)
        : fatalErrorOf(error, `using the log in ${dir}`);
  post({ kind: 'fatal', exitCode: fatal.exitCode, reason: fatal.message });
  port?.close();
}

function post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}
