// The simulated process: what of a stopped process's world its node may find out, and when.
import { expect, it } from 'vitest';
import { SimulatedProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';

const REQUESTS = 20;

it('has not emptied its sockets while a request of before is unread, though it was stopped again meanwhile', async () => {
  const scheduler = new Scheduler(1);
  const process = processOf(scheduler);
  const read: number[] = [];
  process.pause();
  for (let n = 0; n < REQUESTS; n++) process.deliver('request', () => read.push(scheduler.now));
  await scheduler.runUntil(3000);
  process.resume();
  let readWhenEmptied = 0;
  void process.world.socketsEmptied().then(() => {
    readWhenEmptied = read.length;
  });
  // Stopped before what has to be accepted was read.
  await scheduler.runUntil(3001);
  expect(read.length).toBeLessThan(REQUESTS);
  process.pause();
  await scheduler.runUntil(3700);
  expect(readWhenEmptied).toBe(0);
  process.resume();
  await scheduler.runUntil(4000);
  expect(readWhenEmptied).toBe(REQUESTS);
});

it('empties its sockets of what waited when it was asked, not of what comes in later', async () => {
  const scheduler = new Scheduler(2);
  const process = processOf(scheduler);
  let isEmptied = false;
  void process.world.socketsEmptied().then(() => {
    isEmptied = true;
  });
  process.deliver('request', () => {});
  await scheduler.runUntil(1);
  expect(isEmptied).toBe(true);
});

function processOf(scheduler: Scheduler): SimulatedProcess {
  return new SimulatedProcess({
    name: 'node-1#1',
    scheduler,
    wallOffset: () => 0,
    crashesAt: () => false,
    onCrash: () => {},
  });
}
