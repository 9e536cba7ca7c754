// A child process that saves a snapshot without end into a directory, for a test that kills it: prints a line once chunks are on disk.
import { openFileSnapshots } from '../../src/log/file-snapshots.ts';

const [dir = '', node = ''] = process.argv.slice(2);

// The parent's end closes standard input: no saver is left behind.
process.stdin.on('end', () => process.exit(0)).resume();
const store = await openFileSnapshots({ dir, node });
await store.save({ revision: 99, manifest: new Uint8Array(10) }, endless());

async function* endless(): AsyncGenerator<Uint8Array> {
  for (let n = 0; ; n++) {
    if (n === 20) process.stdout.write('saving\n');
    // It goes on writing when it is killed, but fills no disk.
    if (n >= 20) await new Promise((resolve) => setTimeout(resolve, 5));
    yield new Uint8Array(10_000).fill(n);
  }
}
