// The real world: this machine's clocks and timers, its chance, nanoid's ids, and fault points that do nothing.
import { setImmediate as nextImmediate } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import { REQUEST_LIMITS } from './limits.ts';
import type { World } from './world.ts';

/** One for each connection that waits to be accepted, the last of which is read a turn later; and one to spare. */
const TURNS_TO_EMPTY_SOCKETS = REQUEST_LIMITS.maxUnacceptedConnections + 3;

export const systemWorld: World = {
  clock: {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after(ms, task) {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
    nextTurn: () => nextImmediate(),
  },
  random: Math.random,
  newId: () => nanoid(),
  fault() {},
  async socketsEmptied() {
    for (let turn = 0; turn < TURNS_TO_EMPTY_SOCKETS; turn++) await nextImmediate();
  },
};
