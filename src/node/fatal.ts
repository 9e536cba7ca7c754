// The reasons for which a node ends itself, each a sentence that says what to do next.
import { EXIT, FatalError, messageOf } from '../base/errors.ts';

export function trimmedWithoutSnapshot(start: number): FatalError {
  return new FatalError(
    EXIT.damagedData,
    `The log begins at offset ${start}: what came before was trimmed, and no good snapshot goes on from there. Starting empty would lose it. Put a snapshot of this cluster, at that offset or a later one, back into the snapshot store (this node's log says which were passed over, and why), or the log's beginning.`,
  );
}

/** Throws what the log's refusal to say where it begins and ends comes to. */
export function logUnreachable(cause: unknown): never {
  if (cause instanceof FatalError) throw cause;
  throw new FatalError(
    EXIT.logUnreachable,
    `The log could not be asked where it begins and ends: ${messageOf(cause)}. See that it runs, and start again.`,
    { cause },
  );
}

/** The store failed, not a snapshot: starting without one would replay too much, or refuse for no reason. */
export function snapshotsUnreadable(cause: unknown): never {
  if (cause instanceof FatalError) throw cause;
  throw new FatalError(
    EXIT.logUnreachable,
    `The snapshots could not be read: ${messageOf(cause)}. See that their store can be reached, and start again.`,
    { cause },
  );
}

/** The log was trimmed below this node's place while it stood still or was cut off. */
export function leftBehind(wanted: number, start: number): FatalError {
  return new FatalError(
    EXIT.leftBehind,
    `This node had applied the log up to offset ${wanted}, and it was trimmed up to ${start} meanwhile. Start it again: it goes on from a snapshot.`,
  );
}

export function lostLog(cluster: string): FatalError {
  return new FatalError(
    EXIT.damagedData,
    `This node's data directory belongs to cluster ${cluster}, but the log is empty or names no cluster: it was lost or made anew. Point the node at the right log, or give it a new data directory.`,
  );
}

export function otherCluster(own: string, found: string): FatalError {
  return new FatalError(
    EXIT.damagedData,
    `This node's data directory belongs to cluster ${own}, but the log is that of cluster ${found}. Point the node at its own log, or give it a new data directory.`,
  );
}

export function newerCluster(): FatalError {
  return new FatalError(
    EXIT.damagedData,
    'The cluster uses commands of a later version of this program. Start that version on this node.',
  );
}

export function nodeIdInUse(nodeId: string): FatalError {
  return new FatalError(
    EXIT.badConfiguration,
    `Another process with the nodeId ${nodeId} is alive and goes on. Give this one a nodeId of its own (--node-id or CHORUS_NODE_ID).`,
  );
}

export function broken(error: unknown): FatalError {
  return new FatalError(
    EXIT.brokenAssertion,
    `This node's work failed in an unforeseen way: ${messageOf(error)}. This is a bug: please report it with the node's log.`,
    { cause: error },
  );
}

export function unsavedIdentity(error: unknown): FatalError {
  return new FatalError(
    EXIT.damagedData,
    `The cluster's id could not be written into the data directory: ${messageOf(error)}. Make the directory writable and start again.`,
    { cause: error },
  );
}
