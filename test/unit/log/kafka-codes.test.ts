// What Kafka's error codes say of an append: refused only where the broker says so before it appends, unknown everywhere else.
import { expect, test } from 'vitest';
import { CODE, fateOf, isStillLeader, KafkaCode } from '../../../src/log/kafka-codes.ts';

const REFUSED = [CODE.corruptMessage, CODE.leaderNotAvailable, CODE.notEnoughReplicas];
const REFUSED_FOR_GOOD = [
  CODE.messageTooLarge,
  CODE.invalidTopic,
  CODE.recordListTooLarge,
  CODE.invalidRequiredAcks,
  CODE.topicAuthorizationFailed,
  CODE.clusterAuthorizationFailed,
  CODE.invalidTimestamp,
  CODE.policyViolation,
  CODE.invalidRecord,
];

test('codes that are given before the append are refusals, and those that no retry changes are for good', () => {
  for (const code of REFUSED) expect([code, fateOf(code)]).toEqual([code, 'refused']);
  for (const code of REFUSED_FOR_GOOD) expect([code, fateOf(code)]).toEqual([code, 'refused-for-good']);
});

test('every other code, known or not, leaves the record unknown', () => {
  const refused: readonly number[] = [...REFUSED, ...REFUSED_FOR_GOOD];
  for (let code = -1; code <= 200; code += 1) {
    if (code !== 0 && !refused.includes(code)) expect([code, fateOf(code)]).toEqual([code, 'unknown']);
  }
});

test('codes that also come after the local append are unknown', () => {
  const afterTheAppend = [
    CODE.notLeaderForPartition,
    CODE.unknownTopicOrPartition,
    CODE.notEnoughReplicasAfterAppend,
    CODE.requestTimedOut,
    CODE.storageError,
  ];
  for (const code of afterTheAppend) expect(fateOf(code)).toBe('unknown');
});

test('a broker that lacks replicas or refuses the record is still the leader, a deposed one is not', () => {
  const staying = [
    CODE.notEnoughReplicas,
    CODE.notEnoughReplicasAfterAppend,
    CODE.requestTimedOut,
    CODE.messageTooLarge,
  ];
  for (const code of staying) expect([code, isStillLeader(code)]).toEqual([code, true]);
  const leaving = [
    CODE.notLeaderForPartition,
    CODE.unknownTopicOrPartition,
    CODE.leaderNotAvailable,
    CODE.storageError,
  ];
  for (const code of leaving) expect([code, isStillLeader(code)]).toEqual([code, false]);
});

test('an error says the number and the name of its code', () => {
  expect(new KafkaCode('the append', 19).message).toBe('Kafka answered the append with error 19 (notEnoughReplicas)');
});
