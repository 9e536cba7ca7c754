// Tests of the full drill's options and reports: what is wrong is refused with a sentence, and a page needs nothing from outside.
import { expect, test } from 'vitest';
import { FAULT_NAMES } from './full-faults.ts';
import { FULL_USAGE, readFullOptions } from './full-options.ts';
import { reportOf, summaryOf } from './full-report.ts';
import { Tally } from './tally.ts';

test('the help names every fault and every option', () => {
  for (const name of FAULT_NAMES) expect(FULL_USAGE).toContain(name);
  for (const option of ['minutes', 'log', 'seed', 'faults', 'recheck', 'clients', 'least', 'out', 'soak', 'help']) {
    expect(FULL_USAGE).toContain(`--${option}`);
  }
});

test('without --faults all strike that the log allows', () => {
  expect(readFullOptions([]).faults).not.toContain('data-disk');
  expect(readFullOptions(['--log', 'embedded']).faults).toEqual([
    'node-kill',
    'nodes-kill',
    'nodes-roll',
    'data-disk',
    'snapshot-kill',
    'flush-kill',
  ]);
});

test.each([
  [['--faults', 'node-kill,rain'], '--faults must be one of node-kill'],
  [['--faults', 'way-drop', '--log', 'embedded'], '--faults way-drop needs --log kafka'],
  [['--soak', '--faults', 'node-kill'], 'node-kill ends them'],
  [['--minutes', '0'], '--minutes must be a number above 0'],
  [['--clients', '7'], '--clients must be a whole number from 8 on, not 7'],
  [['--log', 'paper'], '--log must be one of kafka, embedded'],
])('%j is refused', (words, sentence) => {
  expect(() => readFullOptions(words)).toThrow(sentence);
});

test('a report shows what happened, and names nothing outside of itself', () => {
  const tally = new Tally();
  tally.acknowledge(performance.now() - 5, 1);
  tally.fail('503');
  tally.fault('lost', 'the key <a> & more');
  const band = tally.timeline.begin('node-kill');
  band.evidence = 'node-1 was "killed"';
  const verdict = { hasPassed: false, rows: [['lost', '1']] as const, faults: ['lost: the key <a> & more'] };
  const run = {
    options: readFullOptions(['--seed', '7']),
    circumstances: 'a test',
    verdict,
    timeline: tally.timeline,
    tally,
    vitals: [{ node: 'node-1', pid: 1, atMs: 0, memoryBytes: 1e8, files: 40, lagMs: 5 }],
  };
  const page = reportOf(run);
  expect(page).toContain('the key &lt;a&gt; &amp; more');
  expect(page).toContain('NEVER');
  expect(page).not.toMatch(/https?:|<script|url\(|<link/);
  expect(summaryOf(run)).toMatchObject({ hasPassed: false, lost: 1, acknowledgedWrites: 1, failedRequests: 1 });
});
