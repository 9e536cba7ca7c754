// What becomes of an append: it lands, is refused, is lost, lands without a word, or, as a zombie, long after it was given up.
import { decodeFrame } from '../../src/core/codec.ts';
import type { AppendFate } from '../../src/log/memory-log.ts';
import type { Scheduler } from './scheduler.ts';
import type { Swarm } from './swarm.ts';

/** `onZombie` is told in how many ms it lands. */
export function drawAppendFate(
  swarm: Swarm,
  scheduler: Scheduler,
  onZombie: (landsAfterMs: number) => void,
): AppendFate {
  const landsAfterMs = scheduler.random() * swarm.appendDelay;
  const answersAfterMs = landsAfterMs + scheduler.random() * swarm.appendDelay;
  const chance = scheduler.random();
  let bound = swarm.refusedAppend;
  if (chance < bound) return { kind: 'refused', answersAfterMs, isPermanent: false };
  bound += swarm.lostAcknowledgement;
  if (chance < bound) return { kind: 'unknown', landsAfterMs, answersAfterMs };
  bound += swarm.lostAppend;
  if (chance < bound) return { kind: 'unknown', landsAfterMs: undefined, answersAfterMs };
  bound += swarm.zombieAppend;
  if (chance >= bound) return { kind: 'acknowledged', landsAfterMs, answersAfterMs };
  const zombieAfterMs = answersAfterMs + scheduler.random() * swarm.zombieDelay;
  onZombie(zombieAfterMs);
  return { kind: 'unknown', landsAfterMs: zombieAfterMs, answersAfterMs };
}

/** Whether commands of clients are in the frame. */
export function holdsClients(payload: Uint8Array): boolean {
  const decoded = decodeFrame(payload);
  return decoded.kind === 'frame' && decoded.frame.commands.some(({ id }) => id !== '');
}
