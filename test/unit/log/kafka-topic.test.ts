// The judgement of the commit log's topic: every wrong setting is named with the command that mends it.
import { expect, test } from 'vitest';
import { topicFaults } from '../../../src/log/kafka-topic.ts';
import type { TopicFacts } from '../../../src/log/kafka-topic-facts.ts';

const GOOD: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'LogAppendTime',
  'unclean.leader.election.enable': 'false',
  'compression.type': 'producer',
  'max.message.bytes': '2097152',
  'min.insync.replicas': '2',
};

test('a topic as we make it has no fault, with one replica or three', () => {
  expect(faults({})).toEqual([]);
  expect(faults({ replicas: 1, brokersAlive: 1, settings: { 'min.insync.replicas': '1' } })).toEqual([]);
});

test.each([
  ['cleanup.policy', 'compact', 'delete'],
  ['retention.ms', '604800000', '-1'],
  ['retention.bytes', '1073741824', '-1'],
  ['message.timestamp.type', 'CreateTime', 'LogAppendTime'],
  ['unclean.leader.election.enable', 'true', 'false'],
  ['compression.type', 'gzip', 'producer'],
  ['max.message.bytes', '1048588', '2097152'],
  ['min.insync.replicas', '1', '2'],
])('%s = %s is named with the command that sets %s', (name, value, right) => {
  const [fault, ...others] = faults({ settings: { [name]: value } });
  expect(others).toEqual([]);
  expect(fault).toContain(`${name} is ${value}, but`);
  expect(fault).toContain(
    `--bootstrap-server k1:9092 --alter --entity-type topics --entity-name t --add-config ${name}=${right}`,
  );
});

test('more partitions than one, and too few replicas where there are brokers for more, are faults', () => {
  expect(faults({ partitions: 3 })).toEqual([expect.stringContaining('3 partitions')]);
  const lonely = faults({ replicas: 1, settings: { 'min.insync.replicas': '1' } });
  expect(lonely).toEqual([expect.stringContaining('kafka-reassign-partitions.sh')]);
});

test('a safe topic stays right while one of its brokers is down', () => {
  expect(faults({ brokersAlive: 2 })).toEqual([]);
});

function faults(o: Partial<Omit<TopicFacts, 'settings'>> & { settings?: Readonly<Record<string, string>> }): string[] {
  const settings = new Map(Object.entries({ ...GOOD, ...o.settings }));
  return topicFaults({ partitions: 1, replicas: 3, brokersAlive: 3, ...o, settings }, 't', 'k1:9092');
}
