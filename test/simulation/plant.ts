// Loaded before everything else (`--import`): plants the bug that CHORUS_PLANTED_BUG names while the modules are loaded.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PLANTED_BUGS } from './planted.ts';

const name = process.env.CHORUS_PLANTED_BUG;
const bug = PLANTED_BUGS.find((planted) => planted.name === name);
if (bug === undefined) throw new Error(`there is no planted bug named ${name}`);
const target = new URL(`../../${bug.file}`, import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    if (url !== target) return nextLoad(url, context);
    const source = readFileSync(fileURLToPath(url), 'utf8');
    if (source.split(bug.find).length !== 2)
      throw new Error(`${bug.file} no longer has the one place of "${bug.name}"`);
    return { format: 'module-typescript', source: source.replace(bug.find, () => bug.replace), shortCircuit: true };
  },
});
