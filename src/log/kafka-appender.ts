// Appends to the Kafka topic and says exactly what happened: in the log, certainly not in it, or unknown.
import { invariant } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS, LOG_LIMITS } from '../base/limits.ts';
import { AppendRefused, AppendUnknown } from './commit-log.ts';
import { fateOf, isStillLeader, KafkaCode } from './kafka-codes.ts';
import type { BrokerConnection } from './kafka-connection.ts';
import type { LeaderConnection } from './kafka-leader.ts';
import { appendRecord, type CodeAndOffset } from './kafka-requests.ts';

/**
 * Resolves when all in-sync replicas have the record (L2). Never tries twice: whoever appends the same bytes again makes
 * copies harmless (frame numbers). Settles within lookupTimeoutMs + produceTimeoutMs. Concurrent calls keep their order.
 */
export async function appendToLeader(
  connection: LeaderConnection,
  topic: string,
  payload: Uint8Array,
): Promise<{ offset: number }> {
  if (payload.byteLength > LOG_LIMITS.maxPayloadBytes) {
    const message = `a record of ${payload.byteLength} bytes is above the limit of ${LOG_LIMITS.maxPayloadBytes}`;
    throw new AppendRefused(message, { isPermanent: true });
  }
  const leader = await connection.leader().catch((cause: unknown) => {
    throw new AppendRefused(`nothing was sent: ${messageOf(cause)}`, { isPermanent: false, cause });
  });
  const answer = await send(leader, topic, payload).catch((cause: unknown) => {
    connection.drop(leader, 'an append failed on it');
    throw new AppendUnknown(`the append was not answered: ${messageOf(cause)}`, { cause });
  });
  if (answer.code !== 0) {
    if (!isStillLeader(answer.code)) connection.drop(leader, `an append was answered with error ${answer.code}`);
    throw failureOf(answer.code);
  }
  invariant('L2', answer.offset >= 0, `an acknowledged record has offset ${answer.offset}`);
  return { offset: answer.offset };
}

function send(leader: BrokerConnection, topic: string, payload: Uint8Array): Promise<CodeAndOffset> {
  return leader.exchange(appendRecord(topic, payload), KAFKA_LIMITS.produceTimeoutMs);
}

function failureOf(code: number): AppendRefused | AppendUnknown {
  const cause = new KafkaCode('the append', code);
  const fate = fateOf(code);
  if (fate === 'unknown') return new AppendUnknown(cause.message, { cause });
  return new AppendRefused(cause.message, { isPermanent: fate === 'refused-for-good', cause });
}
