// A crowd of slow clients as a process of its own: `<port> <count>`; tells each second how many are held and were cut off, and ends with its parent.
import { SLOW_KINDS, SlowCrowd } from './slow-crowd.ts';

const DRIPPED = SLOW_KINDS.filter((kind) => kind !== 'taking');
/** Each has the server's kernel copy some millions of bytes before it is slow: many at once would be another attack. */
const TAKING_ONE_IN = 100;

const [port, count] = process.argv.slice(2).map(Number);
const crowd = new SlowCrowd(port ?? 0);
for (let n = 0; n < (count ?? 0); n++) {
  const kind = n % TAKING_ONE_IN === 0 ? 'taking' : (DRIPPED[n % DRIPPED.length] ?? 'silent');
  // In the course of two seconds: a burst is another attack.
  setTimeout(() => crowd.open(kind, 'again'), (2000 * n) / (count ?? 1));
}
setInterval(() => crowd.drip(), 1000);
setInterval(() => process.stdout.write(`${JSON.stringify({ held: crowd.held, cutOff: crowd.cutOff })}\n`), 1000);
process.on('disconnect', () => process.exit(0));
