// Keeps the id of the cluster that a node's data belongs to, in a file of the node's own directory.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, FatalError } from '../base/errors.ts';
import type { Identity } from './membership.ts';

const FILE = 'cluster';

/** `directory` is the node's own; it is made when something is to be saved. A file that is there but empty is damage. */
export function fileIdentity(directory: string): Identity {
  const path = join(directory, FILE);
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw new FatalError(EXIT.damagedData, `${path} cannot be read: ${error.message}`, { cause: error });
      });
      if (text === undefined) return undefined;
      const cluster = text.trim();
      if (cluster !== '') return cluster;
      throw new FatalError(
        EXIT.damagedData,
        `${path} is empty; it should hold the id of the cluster. Remove it if this directory holds nothing of another cluster.`,
      );
    },

    /** Written aside, synced and renamed: a crash leaves the old file or the new one. */
    async save(cluster) {
      await mkdir(directory, { recursive: true });
      const aside = `${path}.${process.pid}.new`;
      const file = await open(aside, 'w');
      try {
        await file.writeFile(`${cluster}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, path);
    },
  };
}
