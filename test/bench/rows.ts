// All rows of the bench, in the order in which they are run.
import type { Row } from './contest.ts';
import { getRow, putRow, transactionRow } from './http-rows.ts';
import { listRow } from './list-row.ts';
import { refusalRow } from './refusal-row.ts';
import { restartKafkaRow, restartRow } from './restart-row.ts';
import { snapshotRow } from './snapshot-row.ts';
import { storeRow } from './store-row.ts';
import { watchRow } from './watch-row.ts';

export const ROWS: readonly Row[] = [
  getRow,
  putRow,
  transactionRow,
  watchRow,
  refusalRow,
  listRow,
  storeRow,
  snapshotRow,
  restartRow,
  restartKafkaRow,
];
