// What a snapshot costs: the worst stall of the event loop while one is taken under updates, and MB/s of writing and restoring it.
//
//   node test/bench/snapshot.ts [keys] [updates per second] [outcomes]   1,000,000, 100,000 and 0 unless said otherwise
import { median } from './contest.ts';
import { SnapshotScene } from './snapshot-scene.ts';

const ROUNDS = 5;
const [keys, updatesPerSecond, outcomes] = process.argv.slice(2).map(Number);

const scene = await SnapshotScene.open({
  keys: keys ?? 1_000_000,
  updatesPerSecond: updatesPerSecond ?? 100_000,
  outcomes: outcomes ?? 0,
});
try {
  const rows = [];
  for (let round = 0; round < ROUNDS; round++) {
    const quiet = await scene.quiet(2000);
    const taken = await scene.taken();
    const restored = await scene.restored();
    const megabytes = taken.result / 1e6;
    rows.push({
      'stall without, ms': quiet.stallMs,
      'stall while taken, ms': taken.stallMs,
      'processor without, ms': quiet.processorMs,
      'processor while taken, ms': taken.processorMs,
      MB: megabytes,
      'taken, s': taken.seconds,
      'taken, MB/s': megabytes / taken.seconds,
      'restored, s': restored,
      'restored, MB/s': megabytes / restored,
      'updates meanwhile': taken.updates,
    });
  }
  for (const name of Object.keys(rows[0] ?? {}) as (keyof (typeof rows)[number])[]) {
    const figures = rows.map((row) => row[name]);
    const [least, most] = [Math.min(...figures).toFixed(2), Math.max(...figures).toFixed(2)];
    console.log(`${name.padEnd(28)} median ${median(figures).toFixed(2).padStart(12)}   ${least} to ${most}`);
  }
} finally {
  await scene.close();
}
