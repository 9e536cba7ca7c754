// What becomes of a snapshot that is saved: it stands, is stored torn, with another bit or as an older one, or the store refuses it.
import type { SaveFate } from '../../src/log/memory-snapshots.ts';
import type { Scheduler } from './scheduler.ts';
import type { Swarm } from './swarm.ts';

/** `onSpoilt`: it will not be stored as it was saved, and its writer does not know. */
export function drawSaveFate(swarm: Swarm, chances: Scheduler, onSpoilt: () => void): SaveFate {
  const { spoiltSnapshot, refusedSnapshot } = swarm;
  const chance = chances.random();
  if (chance < spoiltSnapshot) onSpoilt();
  if (chance < spoiltSnapshot / 3) return { kind: 'torn' };
  if (chance < (spoiltSnapshot * 2) / 3) return { kind: 'misdirected' };
  if (chance < spoiltSnapshot) return { kind: 'bit-flipped', bit: chances.between(0, 1_000_000) };
  if (chance < spoiltSnapshot + refusedSnapshot) return { kind: 'refused', afterChunks: chances.between(0, 10) };
  return { kind: 'saved' };
}
