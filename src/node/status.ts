// What a node says of itself: its phase, whether it must first prove that it is fresh, and what is not as it should be.
import { NODE_LIMITS } from '../base/limits.ts';
import type { Committer } from './committer.ts';
import type { Heart } from './heart.ts';
import type { ReplayProgress } from './progress.ts';
import type { Phase, Status } from './requests.ts';

/** What it is in by itself; whether a serving node is ready or paused its heart tells. */
export type InnerPhase = Exclude<Phase, 'ready' | 'paused'> | 'serving';

export function nodeStatus(phase: InnerPhase, heart: Heart, committer: Committer, progress: ReplayProgress): Status {
  const lagMs = heart.lagMs();
  const served = isInDoubt(heart, committer) ? 'paused' : 'ready';
  const degraded = degradations(lagMs, committer.trouble);
  return { phase: phase === 'serving' ? served : phase, progress: progress.view(), lagMs, degraded };
}

/**
 * Whether writes and consistent reads must go to another node. Not while the log takes nothing: then no node can prove
 * anything, and 503 from all of them would make a balancer drop them all, and eventual reads with them. What comes in waits
 * for the log, as on any node.
 */
export function isInDoubt(heart: Heart, committer: Committer): boolean {
  const isLogAway = heart.isProvable && committer.trouble !== undefined;
  return !heart.isFresh && !isLogAway;
}

/** Sentences for /readyz. `trouble`: the latest append's, if it failed. */
function degradations(lagMs: number, trouble: string | undefined): readonly string[] {
  const found: string[] = [];
  if (trouble !== undefined) found.push(`the log does not take what is written: ${trouble}`);
  if (lagMs > NODE_LIMITS.degradedLagMs) found.push(`what is read here may be ${Math.round(lagMs)} ms old`);
  return found;
}
