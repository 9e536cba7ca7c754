// The six requests that the commit log sends, for partition 0 of its one topic; Kafka 2.3 and newer know these versions.
import deleteRecords from 'kafkajs/src/protocol/requests/deleteRecords/v1/request.js';
import deletedRecords from 'kafkajs/src/protocol/requests/deleteRecords/v1/response.js';
import describeConfigs from 'kafkajs/src/protocol/requests/describeConfigs/v1/request.js';
import describedConfigs from 'kafkajs/src/protocol/requests/describeConfigs/v1/response.js';
import fetch from 'kafkajs/src/protocol/requests/fetch/v11/request.js';
import listOffsets from 'kafkajs/src/protocol/requests/listOffsets/v3/request.js';
import listedOffsets from 'kafkajs/src/protocol/requests/listOffsets/v3/response.js';
import metadata from 'kafkajs/src/protocol/requests/metadata/v6/request.js';
import gotMetadata, { type Metadata } from 'kafkajs/src/protocol/requests/metadata/v6/response.js';
import produce from 'kafkajs/src/protocol/requests/produce/v7/request.js';
import produced from 'kafkajs/src/protocol/requests/produce/v7/response.js';
import { KAFKA_LIMITS } from '../base/limits.ts';
import { type Batches, decodeFetched } from './kafka-batches.ts';
import type { Exchange } from './kafka-connection.ts';

/** What the records' payloads are views of, besides. */
export type Fetched = Batches & { readonly answer: Buffer };
export type CodeAndOffset = { readonly code: number; readonly offset: number };

export type TopicSettings = { readonly code: number; readonly settings: ReadonlyMap<string, string> };

const CLIENT = -1;
const ALL_IN_SYNC = -1;
const READ_UNCOMMITTED = 0;
const PARTITION = 0;
const RESOURCE_TOPIC = 2;

export function askMetadata(topic: string): Exchange<Metadata> {
  const request = metadata({ topics: [topic], allowAutoTopicCreation: false });
  return { name: 'the question for the leader', request, decode: (bytes) => gotMetadata.decode(bytes) };
}

export function describeTopic(topic: string): Exchange<TopicSettings> {
  return {
    name: "the question for the topic's settings",
    request: describeConfigs({ resources: [{ type: RESOURCE_TOPIC, name: topic }] }),
    async decode(bytes) {
      const { errorCode, configEntries } = only((await describedConfigs.decode(bytes)).resources);
      return { code: errorCode, settings: new Map(configEntries.map((one) => [one.configName, one.configValue])) };
    },
  };
}

/** One record in one batch, uncompressed, acknowledged by all in-sync replicas. `offset` is that of the record. */
export function appendRecord(topic: string, payload: Uint8Array): Exchange<CodeAndOffset> {
  const value = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const partitions = [{ partition: PARTITION, messages: [{ key: null, value }] }];
  const timeout = KAFKA_LIMITS.replicationTimeoutMs;
  return {
    name: 'an append',
    request: produce({ acks: ALL_IN_SYNC, timeout, topicData: [{ topic, partitions }] }),
    async decode(bytes) {
      const answer = only(only((await produced.decode(bytes)).topics).partitions);
      return { code: answer.errorCode, offset: Number(answer.baseOffset) };
    },
  };
}

/** Waits up to fetchWaitMs for records from `offset` on. */
export function fetchFrom(topic: string, offset: number): Exchange<Fetched> {
  const maxBytes = KAFKA_LIMITS.fetchBytes;
  const request = fetch({
    replicaId: CLIENT,
    maxWaitTime: KAFKA_LIMITS.fetchWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: READ_UNCOMMITTED,
    topics: [{ topic, partitions: [{ partition: PARTITION, fetchOffset: String(offset), maxBytes }] }],
  });
  return { name: 'a fetch', request, decode: async (answer) => ({ ...decodeFetched(answer, offset), answer }) };
}

/** `start`: the first offset kept; `end`: the one after the last record that all in-sync replicas have. */
export function askOffset(topic: string, which: 'start' | 'end'): Exchange<CodeAndOffset> {
  const timestamp = which === 'end' ? -1 : -2;
  const topics = [{ topic, partitions: [{ partition: PARTITION, timestamp }] }];
  return {
    name: `the question for the log's ${which}`,
    request: listOffsets({ replicaId: CLIENT, isolationLevel: READ_UNCOMMITTED, topics }),
    async decode(bytes) {
      const answer = only(only((await listedOffsets.decode(bytes)).responses).partitions);
      return { code: answer.errorCode, offset: Number(answer.offset) };
    },
  };
}

/** Resolves with an error code. */
export function deleteBelow(topic: string, offset: number): Exchange<number> {
  const topics = [{ topic, partitions: [{ partition: PARTITION, offset: String(offset) }] }];
  return {
    name: 'a trim',
    request: deleteRecords({ timeout: KAFKA_LIMITS.replicationTimeoutMs, topics }),
    async decode(bytes) {
      return only(only((await deletedRecords({ topics }).decode(bytes)).topics).partitions).errorCode;
    },
  };
}

function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length !== 1)
    throw new Error(`Kafka answered for ${list.length} topics or partitions`);
  return first;
}
