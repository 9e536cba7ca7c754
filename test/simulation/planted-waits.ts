// Bugs planted in what is waited for, and in what decides alike on all nodes: barriers, waiters, versions, the clock and the scope of ids.
import type { PlantedBug } from './planted.ts';

export const BUGS_OF_WAITS: readonly PlantedBug[] = [
  {
    name: 'a gap in the log that is ignored',
    file: 'src/core/machine.ts',
    find: "invariant('L1', offset === this.#nextOffset,",
    replace: "invariant('L1', offset >= this.#nextOffset,",
  },
  {
    name: 'commands that not all nodes know yet',
    file: 'src/node/writes.ts',
    find: "return 'feature-not-enabled';",
    replace: ';',
  },
  {
    name: 'a feature level that rises with the first who knows more',
    file: 'src/core/commands/cluster.ts',
    find: 'Math.min(...state.members.live()',
    replace: 'Math.max(...state.members.live()',
  },
  {
    name: 'an older node that goes on in a newer cluster',
    file: 'src/node/membership.ts',
    find: '> this.#featureLevel) throw newerCluster();',
    replace: '> 1_000) throw newerCluster();',
  },
  {
    name: 'one barrier answers later reads too',
    file: 'src/node/reads.ts',
    find: '    this.#nextQuestion = undefined;\n',
    replace: '',
  },
  {
    name: 'one appended barrier answers later reads too',
    file: 'src/node/committer.ts',
    find: '    this.#barrier = undefined;\n    if (commands',
    replace: '    if (commands',
  },
  {
    name: 'a waiter whose time is up is forgotten',
    file: 'src/node/writes.ts',
    find: "    this.#waiters.end(attempt, { kind: isWithdrawn ? 'not-appended' : 'uncertain', why: 'time-up' });",
    replace: "    if (isWithdrawn) this.#waiters.end(attempt, { kind: 'not-appended', why: 'time-up' });",
  },
  {
    name: 'the wall clock in apply',
    file: 'src/core/machine.ts',
    find: 'advance(this.state.time, timestamp)',
    replace: 'advance(this.state.time, Math.trunc(timestamp + (performance.now() % 7)))',
  },
  {
    name: 'ids that count on one node only',
    file: 'src/core/machine.ts',
    find: 'state.recent.find(command.caller, command.id)',
    replace: 'state.recent.find(command.caller + place.node, command.id)',
    also: [
      {
        file: 'src/core/machine.ts',
        find: 'state.recent.add(command.caller, command.id',
        replace: 'state.recent.add(command.caller + place.node, command.id',
      },
    ],
  },
];
