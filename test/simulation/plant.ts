// Loaded before everything else (`--import`): plants the bug that CHORUS_PLANTED_BUG names while the modules are loaded.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PLANTED_BUGS } from './planted.ts';

const name = process.env.CHORUS_PLANTED_BUG;
const bug = PLANTED_BUGS.find((planted) => planted.name === name);
if (bug === undefined) throw new Error(`there is no planted bug named ${name}`);
const changes = [bug, ...(bug.also ?? [])];
const targets = new Set(changes.map(({ file }) => new URL(`../../${file}`, import.meta.url).href));

registerHooks({
  load(url, context, nextLoad) {
    if (!targets.has(url)) return nextLoad(url, context);
    let source = readFileSync(fileURLToPath(url), 'utf8');
    for (const { file, find, replace } of changes) {
      if (!url.endsWith(file)) continue;
      if (source.split(find).length !== 2) throw new Error(`${file} no longer has the one place of "${bug.name}"`);
      source = source.replace(find, () => replace);
    }
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});
