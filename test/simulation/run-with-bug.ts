// Runs the simulator with a planted bug, in a process of its own: the bug goes in while the modules are loaded.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PlantedBug } from './planted.ts';

/** What a run with the bug prints; it is a process of its own, for the bug goes in while modules are loaded. */
export function runWithBug(bug: PlantedBug, seeds: number): Promise<string> {
  const plant = new URL('./plant.ts', import.meta.url).href;
  const run = fileURLToPath(new URL('./run.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--import', plant, run, '--until-found', '--seeds', String(seeds), '--scenario', bug.scenario ?? 'store'],
    {
      env: { ...process.env, CHORUS_PLANTED_BUG: bug.name },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => child.on('close', () => resolve(output)));
}
