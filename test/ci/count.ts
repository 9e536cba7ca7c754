// The gate's closing line, counted from the test runner's JSON report: `node test/ci/count.ts test-results/vitest.json`.
import { readFileSync } from 'node:fs';
import { messageOf } from '../../src/base/errors.ts';

type Count = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** Counts a report. A file that could not even be loaded, or an error outside of every test, is a failure too. */
export function countReport(report: unknown): Count {
  const passed = numberIn(report, 'numPassedTests');
  const skipped = numberIn(report, 'numPendingTests') + numberIn(report, 'numTodoTests');
  const failed = numberIn(report, 'numFailedTests') + filesNotLoaded(report);
  const hasUncountedError = failed === 0 && fieldOf(report, 'success') !== true;
  return { passed, failed: hasUncountedError ? 1 : failed, skipped };
}

/** Exit code 0 only for a run in which something was tested and nothing failed or was skipped. */
export function isGreen(count: Count): boolean {
  return count.passed > 0 && count.failed === 0 && count.skipped === 0;
}

function filesNotLoaded(report: unknown): number {
  const files = fieldOf(report, 'testResults');
  if (!Array.isArray(files)) throw new Error('the report has no testResults');
  return files.filter((file) => {
    const tests = fieldOf(file, 'assertionResults');
    return fieldOf(file, 'status') === 'failed' && Array.isArray(tests) && !tests.some(isFailed);
  }).length;
}

function isFailed(test: unknown): boolean {
  return fieldOf(test, 'status') === 'failed';
}

function numberIn(report: unknown, name: string): number {
  const value = fieldOf(report, name);
  if (typeof value !== 'number') throw new Error(`the report has no ${name}`);
  return value;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function main(path: string): void {
  let count: Count = { passed: 0, failed: 1, skipped: 0 };
  try {
    count = countReport(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    console.log(`There is no report to count: ${messageOf(error)}`);
  }
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  process.exitCode = isGreen(count) ? 0 : 1;
}

if (import.meta.main) main(process.argv[2] ?? '');
