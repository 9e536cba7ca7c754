// One write of a drill's load, repeated with one id until it is known what became of it.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answered, ask, type Question, type Target } from './requests.ts';
import type { Tally } from './tally.ts';

/** Of all attempts of one write. */
export const RESOLVE_WITHIN_MS = 120_000;
const ATTEMPT_TIMEOUT_MS = 10_000;
const REPEATED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** The attempts go round the targets; undefined when the write was refused for good or its fate never known. */
export async function writeUntilKnown(
  targets: readonly [Target, ...Target[]],
  question: Question,
  tally: Tally,
  attemptTimeoutMs = ATTEMPT_TIMEOUT_MS,
): Promise<Answered | undefined> {
  const headers = { ...question.headers, 'idempotency-key': randomUUID() };
  const beganAt = performance.now();
  for (let attempts = 1; performance.now() - beganAt < RESOLVE_WITHIN_MS; attempts++) {
    const target = targets[(attempts - 1) % targets.length] ?? targets[0];
    const answer = await ask(target, { ...question, headers }, attemptTimeoutMs);
    if (answer.kind === 'answered' && answer.status < 300) {
      tally.acknowledge(beganAt, attempts);
      return answer;
    }
    if (answer.kind === 'answered' && !REPEATED_STATUSES.has(answer.status)) {
      tally.fault('refused', `${question.method} ${question.path}: ${answer.status} ${answer.body.slice(0, 200)}`);
      return undefined;
    }
    tally.fail(answer.kind === 'answered' ? String(answer.status) : answer.trouble);
    const isKnown = answer.kind === 'answered' && answer.body.includes('"outcome":"not-applied"');
    if (!isKnown) tally.unknown += 1;
    await delay(20 + Math.random() * 80);
  }
  tally.unresolved += 1;
  return undefined;
}
