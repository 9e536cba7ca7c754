// The gate's closing line: nothing that went wrong may be left out of it.
import { expect, test } from 'vitest';
import { countReport, isGreen } from '../../ci/count.ts';

const GREEN = {
  success: true,
  numPassedTests: 7,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
};

test('a run in which all passed is green', () => {
  expect(countReport(GREEN)).toEqual({ passed: 7, failed: 0, skipped: 0 });
  expect(isGreen(countReport(GREEN))).toBe(true);
});

test('skipped and planned tests are skipped, and not green', () => {
  const count = countReport({ ...GREEN, numPendingTests: 2, numTodoTests: 1 });
  expect(count).toEqual({ passed: 7, failed: 0, skipped: 3 });
  expect(isGreen(count)).toBe(false);
});

test('a file that could not be loaded is a failure although none of its tests is', () => {
  const files = [...GREEN.testResults, { status: 'failed', assertionResults: [] }];
  expect(countReport({ ...GREEN, success: false, testResults: files }).failed).toBe(1);
});

test('a failed test counts once, not again for its file', () => {
  const files = [{ status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] }];
  expect(countReport({ ...GREEN, success: false, numFailedTests: 1, testResults: files }).failed).toBe(1);
});

test('an error outside of every test is a failure', () => {
  expect(countReport({ ...GREEN, success: false }).failed).toBe(1);
});

test('a run without a single test is not green, and what is no report is refused', () => {
  expect(isGreen(countReport({ ...GREEN, numPassedTests: 0, testResults: [] }))).toBe(false);
  for (const report of [{}, null, [], { ...GREEN, testResults: undefined }])
    expect(() => countReport(report)).toThrow();
});
