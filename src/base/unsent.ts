// What the error of a connection says of the request that was to go over it.

/** Whether the request was never sent: nobody can have acted on it. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNSENT.has(error.code);
}

const UNSENT: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
