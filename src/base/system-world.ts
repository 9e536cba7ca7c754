// The real world: this machine's clocks and timers, its chance, nanoid's ids, and fault points that do nothing.
import { setImmediate as nextImmediate } from 'node:timers/promises';
import { nanoid } from 'nanoid';
import type { World } from './world.ts';

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
};
