// The embedded log: the contract, the crash contract with real processes, and what only a file can do wrong.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOG_LIMITS } from '../../src/base/limits.ts';
import { openEmbeddedLog } from '../../src/log/embedded-log.ts';
import { commitLogContract } from '../suites/commit-log.ts';
import { commitLogCrashContract } from '../suites/commit-log-crash.ts';

const harness = {
  tooLargeBytes: LOG_LIMITS.maxPayloadBytes + 1,
  async createStore() {
    const dir = await mkdtemp(join(tmpdir(), 'chorus-embedded-log-'));
    return {
      arguments: ['--log', 'embedded', '--dir', dir],
      open: () => openEmbeddedLog({ dir }),
      remove: () => rm(dir, { recursive: true }),
    };
  },
};

commitLogContract('embedded log', harness);
commitLogCrashContract('embedded log', harness);
