// The bytes in which the result of a transaction is remembered under its id.
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type OperationResult, OUTCOME_CODES, type TransactionResult } from './outcome.ts';

/** result = branch:u8 ( code:u8 revision:varint detail:i64 )*; what was read is left out. */
export function writeTransactionResult({ branch, operations }: TransactionResult): Uint8Array {
  const writer = new ByteWriter(1 + 12 * operations.length);
  writer.u8(branch === 'then' ? 1 : 0);
  for (const { code, revision, detail } of operations) {
    writer.u8(OUTCOME_CODES.indexOf(code));
    writer.varint(revision);
    writer.i64(detail);
  }
  return writer.take();
}

export function readTransactionResult(bytes: Uint8Array): TransactionResult {
  const reader = new ByteReader(bytes);
  const branch = reader.flag() ? 'then' : 'else';
  const operations: OperationResult[] = [];
  while (reader.remaining > 0) {
    const code = OUTCOME_CODES[reader.u8()] ?? 'done';
    operations.push({ code, revision: reader.varint(), detail: reader.i64(), entry: undefined });
  }
  return { branch, operations };
}
