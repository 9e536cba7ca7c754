// What a node says of itself: its phase, how far its replay is, and what is not as it should be.
import { NODE_LIMITS } from '../base/limits.ts';
import type { Committer } from './committer.ts';
import type { Heart } from './heart.ts';
import type { ReplayProgress } from './progress.ts';
import type { Status } from './requests.ts';

export function nodeStatus(
  phase: 'starting' | 'replaying' | 'serving' | 'stopping',
  heart: Heart,
  committer: Committer,
  progress: ReplayProgress,
): Status {
  const lagMs = heart.lagMs();
  const { trouble } = committer;
  const degraded: string[] = [];
  if (trouble !== undefined) degraded.push(`the log does not take what is written: ${trouble}`);
  if (lagMs > NODE_LIMITS.degradedLagMs) degraded.push(`what is read here may be ${Math.round(lagMs)} ms old`);
  const served = heart.isFresh ? 'ready' : 'paused';
  return { phase: phase === 'serving' ? served : phase, progress: progress.view(), lagMs, degraded };
}
