// Bugs planted in restores: each loses something of a backup, mixes it with something else, or gives back what was spent.
import type { PlantedBug } from './planted.ts';

const COMMANDS = 'src/core/commands/restore.ts';
const SENDING = 'src/node/backup-restore.ts';

export const BUGS_OF_RESTORES: readonly PlantedBug[] = [
  {
    name: 'a restore that does not lift the revision',
    file: COMMANDS,
    find: '    state.revision = Math.max(state.revision, revision);\n',
    replace: '',
  },
  {
    name: 'clients that write while a backup is restored',
    file: 'src/core/machine.ts',
    find: "if (state.restoring !== undefined && command.id !== '') return VERDICTS.restoring;",
    replace: '',
  },
  {
    name: 'a backup that comes into a cluster with keys',
    file: COMMANDS,
    find: 'restoring === undefined ? hasClientKeys(keyspace) :',
    replace: 'restoring === undefined ? hasClientKeys(keyspace) && part > 0 :',
  },
  {
    name: 'parts of another backup that are taken',
    file: COMMANDS,
    find: ': restoring.backup !== backup)',
    replace: ': false)',
    // Its node would not send them either.
    also: [
      { file: SENDING, find: ': restoring.backup !== name)', replace: ': false)' },
      { file: SENDING, find: 'state.restoring?.backup === name ?', replace: 'state.restoring !== undefined ?' },
    ],
  },
  {
    name: 'a part that counts again when it comes again',
    file: COMMANDS,
    find: 'if (part !== next) return VERDICTS.stale;',
    replace: 'if (part > next) return VERDICTS.stale;',
  },
  {
    name: 'a restore that ends without its last part',
    file: SENDING,
    find: '} while (keys.length === PAGE_KEYS);\n  yield entries;',
    replace: '} while (keys.length === PAGE_KEYS);\n  if (bytes < ENTRY_HEAD_BYTES) yield entries;',
  },
  {
    name: 'restored entries that live for ever',
    file: COMMANDS,
    find: 'expiresAt: state.expiry(ttlMs)',
    replace: 'expiresAt: 0',
  },
  {
    name: 'a restore left out of the snapshot',
    file: 'src/snapshot/cut.ts',
    find: 'snapshots, restoring } = state;',
    replace: 'snapshots } = state; const restoring = undefined as State["restoring"];',
    // Else the digest of what was restored would tell.
    also: [
      {
        file: 'src/core/state.ts',
        find: '    if (this.restoring !== undefined) hasher.text(this.restoring.backup).number(this.restoring.next);\n',
        replace: '',
      },
    ],
  },
];
