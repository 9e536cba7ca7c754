// What Kafka's error codes mean to us: whether an append was certainly refused, whether it can ever be taken, whether to look for the leader anew.

/** Codes that we name somewhere (kafka.apache.org/protocol, "Error Codes"). */
export const CODE = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderForPartition: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  invalidRequiredAcks: 21,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  policyViolation: 44,
  storageError: 56,
  invalidRecord: 87,
} as const;

export type AppendFate = 'refused' | 'refused-for-good' | 'unknown';

/**
 * What a produce answer's error code says of the record. The broker gives the refusing codes before it appends only. All
 * others are unknown, also notLeaderForPartition and unknownTopicOrPartition: with acks=all they come after the local
 * append too, when the leader is deposed while the record waits for its replicas.
 */
export function fateOf(code: number): AppendFate {
  return FATES.get(code) ?? 'unknown';
}

const FATES: ReadonlyMap<number, AppendFate> = new Map([
  [CODE.leaderNotAvailable, 'refused'],
  [CODE.notEnoughReplicas, 'refused'],
  // Damaged on its way: the same bytes may be taken the next time.
  [CODE.corruptMessage, 'refused'],
  [CODE.messageTooLarge, 'refused-for-good'],
  [CODE.recordListTooLarge, 'refused-for-good'],
  [CODE.invalidTopic, 'refused-for-good'],
  [CODE.topicAuthorizationFailed, 'refused-for-good'],
  [CODE.clusterAuthorizationFailed, 'refused-for-good'],
  [CODE.invalidRequiredAcks, 'refused-for-good'],
  [CODE.policyViolation, 'refused-for-good'],
  [CODE.invalidTimestamp, 'refused-for-good'],
  [CODE.invalidRecord, 'refused-for-good'],
]);

/** Whether the broker that gave this code is still the right one to talk to. */
export function isStillLeader(code: number): boolean {
  const isReplicas = code === CODE.notEnoughReplicas || code === CODE.notEnoughReplicasAfterAppend;
  return isReplicas || code === CODE.requestTimedOut || fateOf(code) === 'refused-for-good';
}

/** An answer with an error code, as an error. */
export class KafkaCode extends Error {
  readonly code: number;

  constructor(what: string, code: number) {
    super(`Kafka answered ${what} with error ${code} (${nameOf(code)})`);
    this.name = 'KafkaCode';
    this.code = code;
  }
}

function nameOf(code: number): string {
  return Object.entries(CODE).find(([, known]) => known === code)?.[0] ?? 'see kafka.apache.org/protocol';
}
