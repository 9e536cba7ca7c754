// The snapshot store in memory: for tests and the simulator; every fault comes in by arguments, nothing in it is random.
import {
  newestFirst,
  type OpenSnapshot,
  type SnapshotStore,
  SnapshotUnusable,
  type StoredSnapshot,
} from './snapshot-store.ts';

/** What becomes of a save. Only 'saved' and a late 'crash' are seen by its writer for what they are. */
export type SaveFate =
  | { readonly kind: 'saved' }
  /** The writer ends after so many chunks; its promise never settles. */
  | { readonly kind: 'crash'; readonly afterChunks: number }
  /** Rejects after so many chunks, as on a full disk. */
  | { readonly kind: 'refused'; readonly afterChunks: number }
  /** Listed, but only the first half of its last chunk is there. */
  | { readonly kind: 'torn' }
  /** Listed, but what it holds is what was saved before it, if anything was. */
  | { readonly kind: 'misdirected' }
  /** Listed, but one bit of it, counted through all chunks, is another. */
  | { readonly kind: 'bit-flipped'; readonly bit: number };

/** `handle` is the name given to `open`. */
export type MemorySnapshotFaults = { fateOfSave(handle: string, revision: number): SaveFate };

export type MemorySnapshots = {
  /** A further handle, as another process would have one. */
  open(handle?: string): SnapshotStore;
};

type Kept = StoredSnapshot & { readonly chunks: readonly Uint8Array[] };

/** A store shared by all handles opened on it. It lives as long as it is referenced. */
export function createMemorySnapshots(
  faults: MemorySnapshotFaults = { fateOfSave: () => ({ kind: 'saved' }) },
): MemorySnapshots {
  const kept = new Map<string, Kept>();
  let saves = 0;
  return {
    open: (handle = 'store') => ({
      async save(snapshot, chunks) {
        saves++;
        const id = `${snapshot.revision}-${handle}-${saves}`;
        const fate = faults.fateOfSave(handle, snapshot.revision);
        const taken = await take(chunks, fate);
        const manifest = Uint8Array.from(snapshot.manifest);
        const whole = { id, revision: snapshot.revision, manifest, chunks: spoilt(taken, fate) };
        const before = [...kept.values()].at(-1);
        const isMisdirected = fate.kind === 'misdirected' && before !== undefined;
        kept.set(id, isMisdirected ? { ...before, id, revision: whole.revision } : whole);
        return id;
      },
      list: async () =>
        newestFirst([...kept.values()]).map(({ id, revision, manifest }) => ({ id, revision, manifest })),
      async open(id): Promise<OpenSnapshot> {
        const found = kept.get(id);
        if (found === undefined) throw new SnapshotUnusable('missing', `there is no snapshot ${id}`);
        return { ...found, chunks: each(found.chunks) };
      },
      async remove(id) {
        kept.delete(id);
      },
      async close() {},
    }),
  };
}

async function take(chunks: AsyncIterable<Uint8Array>, fate: SaveFate): Promise<Uint8Array[]> {
  const taken: Uint8Array[] = [];
  for await (const chunk of chunks) {
    if ('afterChunks' in fate && taken.length >= fate.afterChunks) break;
    taken.push(Uint8Array.from(chunk));
  }
  if (fate.kind === 'crash') await new Promise<never>(() => {});
  if (fate.kind === 'refused') throw new Error('refused by a planned fault');
  return taken;
}

function spoilt(chunks: readonly Uint8Array[], fate: SaveFate): readonly Uint8Array[] {
  const last = chunks.at(-1);
  if (last === undefined || (fate.kind !== 'torn' && fate.kind !== 'bit-flipped')) return chunks;
  if (fate.kind === 'torn') return chunks.with(-1, last.subarray(0, last.length >> 1));
  const bits = 8 * chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let bit = fate.bit % bits;
  return chunks.map((chunk) => {
    const isHere = bit >= 0 && bit < 8 * chunk.length;
    const copy = isHere ? chunk.with(bit >> 3, (chunk[bit >> 3] ?? 0) ^ (1 << (bit & 7))) : chunk;
    bit -= 8 * chunk.length;
    return copy;
  });
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
