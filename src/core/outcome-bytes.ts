// The bytes in which an outcome is remembered under its id.
//
//   outcome     = code:u8 hash:u64 ( detail:i64 transaction? )?     no detail where it is 0 and there is no transaction
//   transaction = branch:u8 ( code:u8 revision:varint detail:i64 )*  what was read is left out
import { ByteReader, type ByteWriter } from '../base/bytes.ts';
import { type OperationResult, OUTCOME_CODES, type Outcome, type TransactionResult, type Verdict } from './outcome.ts';

/** `hash`: of the command. */
export type Remembered = { readonly hash: bigint; readonly outcome: Outcome };

export const OUTCOME_BYTES = { least: 9, withDetail: 17 } as const;

export function writeOutcome(writer: ByteWriter, hash: bigint, { code, detail, transaction }: Verdict): void {
  writer.u8(OUTCOME_CODES.indexOf(code));
  writer.u64(hash);
  if (detail === 0n && transaction === undefined) return;
  writer.i64(detail);
  if (transaction !== undefined) writeTransaction(writer, transaction);
}

/** Marked as a repeat. Throws Malformed. */
export function readOutcome(bytes: Uint8Array, revision: number): Remembered {
  const reader = new ByteReader(bytes);
  const code = OUTCOME_CODES[reader.u8()] ?? 'done';
  const hash = reader.u64();
  const detail = reader.remaining === 0 ? 0n : reader.i64();
  const transaction = reader.remaining === 0 ? {} : { transaction: readTransaction(reader) };
  return { hash, outcome: { code, revision, detail, isRepeat: true, ...transaction } };
}

function writeTransaction(writer: ByteWriter, { branch, operations }: TransactionResult): void {
  writer.u8(branch === 'then' ? 1 : 0);
  for (const { code, revision, detail } of operations) {
    writer.u8(OUTCOME_CODES.indexOf(code));
    writer.varint(revision);
    writer.i64(detail);
  }
}

function readTransaction(reader: ByteReader): TransactionResult {
  const branch = reader.flag() ? 'then' : 'else';
  const operations: OperationResult[] = [];
  while (reader.remaining > 0) {
    const code = OUTCOME_CODES[reader.u8()] ?? 'done';
    operations.push({ code, revision: reader.varint(), detail: reader.i64(), entry: undefined });
  }
  return { branch, operations };
}
