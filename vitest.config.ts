// The test runner's settings: every suite under test/, processes rather than threads, JSON report when .ci/run asks for one.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    // What is waited for comes at once, but machines differ.
    expect: { poll: { timeout: 60_000 } },
  },
});
