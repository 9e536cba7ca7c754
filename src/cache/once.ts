// Work that is done once: who asks meanwhile shares the attempt, and one that failed is made again by the next who asks.

export function once(work: () => Promise<unknown>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().then(
      () => {},
      (error: unknown) => {
        done = undefined;
        throw error;
      },
    );
    return done;
  };
}
