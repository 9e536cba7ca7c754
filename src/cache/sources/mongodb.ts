// The documents of one MongoDB collection as a source of rows, by a key of their own; made for servers without transactions.
//
// A flush is guarded document by document: each keeps the revision of its last flush, and takes no older one; what was removed
// leaves a mark with its revision. So a flush that is repeated, comes late or was half done does no harm, though it is not
// atomic. A fence, in a collection of its own, turns away flushes of older terms and of other clusters before they begin.
// NULL is kept as an absent field, so that sparse unique indexes leave it alone.
import { type AnyBulkWriteOperation, type Document, MongoBulkWriteError, MongoClient } from 'mongodb';
import { CACHE_LIMITS } from '../../base/limits.ts';
import { type Duration, milliseconds } from '../duration.ts';
import { CacheError } from '../errors.ts';
import { once } from '../once.ts';
import type { Change, Fence, Flushed } from '../ports.ts';
import { type Columns, givenColumns, otherKey, plainKey, type RowOf, readRow, writtenRow } from './columns.ts';
import { DUPLICATE_KEY, mongodbErrorOf } from './mongodb-errors.ts';
import type { RowsSource } from './rows.ts';

export type MongodbOptions<Listed extends Columns, Key extends keyof Listed & string> = {
  /** `mongodb://user:password@host:27017/database` */
  readonly url: string;
  /** Used instead of the one that the URL names. */
  readonly database?: string;
  readonly collection: string;
  readonly columns: Listed;
  /** One of the columns; a unique index on it is made when it is absent. */
  readonly key: Key;
  /** The field that keeps the revision of a document's last flush: `flushRevision` unless given. */
  readonly revision?: string;
  /** The collection of fences: `chorus_fence` unless given. */
  readonly fenceCollection?: string;
  /** For `Cache-Status` and health pages: `mongodb` unless given. */
  readonly name?: string;
  /** Of one command; 3 s unless given. */
  readonly statementTimeout?: Duration;
  /** Until a server is found and a connection stands; 1 s unless given. */
  readonly connectTimeout?: Duration;
};

/** Marks what a flush removed. */
const REMOVED = 'flushRemoved';

/** Connects when it is first used; a lost connection is replaced by itself. */
export function mongodb<const Listed extends Columns, const Key extends keyof Listed & string>(
  options: MongodbOptions<Listed, Key>,
): RowsSource<RowOf<Listed>[Key], RowOf<Listed>> {
  type Row = RowOf<Listed>;
  type RowKey = Row[Key];
  const { columns, key, name = 'mongodb', revision = 'flushRevision' } = options;
  const names = Object.keys(columns);
  const odd = [...names, revision].find((field) => /[.$\0]/.test(field));
  if (odd !== undefined) throw new TypeError(`not the name of a field: ${odd}`);
  const client = new MongoClient(options.url, clientOptions(options));
  const database = client.db(options.database);
  const collection = database.collection<Document>(options.collection);
  const fences = database.collection<Fence & { readonly _id: string }>(options.fenceCollection ?? 'chorus_fence');
  const projection = Object.fromEntries([['_id', key === '_id' ? 1 : 0], ...names.map((field) => [field, 1])]);
  /** Once connected the client recovers by itself; where its first attempt failed, only this makes it try again. */
  const connected = once(() => client.connect());
  /** Without it two upserts of a new key could both insert. */
  const indexed = once(async () => key === '_id' || collection.createIndex({ [key]: 1 }, { unique: true }));

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      await connected();
      return await work();
    } catch (error) {
      throw mongodbErrorOf(error, name);
    }
  }

  /** Keys are plain values: nothing that was handed in can become an operator. */
  const whose = (of: RowKey): Document => ({ [key]: plainKey(of) });

  function updateOf(of: RowKey, row: Row): Document {
    if (row[key] !== of) throw otherKey(name, key, of, row[key]);
    return updateOfThose(columns, row);
  }

  function updateOfThose(those: Columns, row: Readonly<Record<string, unknown>>): Document {
    const values = writtenRow(name, those, row);
    const set = Object.keys(those).map((field, at) => [field, values[at] ?? null] as const);
    return {
      $set: Object.fromEntries(set.filter(([, value]) => value !== null)),
      $unset: Object.fromEntries([
        ...set.filter(([, value]) => value === null).map(([field]) => [field, '']),
        [REMOVED, ''],
      ]),
    };
  }

  async function find(filter: Document, limit = 0): Promise<Row[]> {
    const found = await collection
      .find({ ...filter, [REMOVED]: { $exists: false } }, { projection, limit })
      .sort({ [key]: 1 })
      .toArray();
    return found.map((document) => readRow(name, columns, document));
  }

  /** The fence that stands in the way. Two that come first at once: one inserts, the other looks again. */
  async function raise({ cluster, n }: Fence): Promise<Fence | undefined> {
    for (let tries = 0; tries < CACHE_LIMITS.maxOvertaken; tries++) {
      const _id = options.collection;
      const raised = await fences.updateOne({ _id, cluster, n: { $lt: n } }, { $set: { n } });
      if (raised.matchedCount > 0) return undefined;
      const found = await fences.findOne({ _id });
      // One that came between, with a smaller number, is to be raised the next time.
      const isLower = found?.cluster === cluster && found.n < n;
      if (found !== null && !isLower) return found;
      if (isLower) continue;
      const isFirst = await fences.insertOne({ _id, cluster, n }).then(() => true, duplicate);
      if (isFirst) return undefined;
    }
    throw new CacheError('full', name, 'too many flush at once');
  }

  function operationOf({ key: of, value, revision: n }: Change<RowKey, Row>): AnyBulkWriteOperation {
    const isOlder = { $or: [{ [revision]: { $lt: n } }, { [revision]: { $exists: false } }] };
    const update =
      value === undefined
        ? {
            $set: { [key]: of, [REMOVED]: true, [revision]: n },
            $unset: Object.fromEntries(names.filter((field) => field !== key).map((field) => [field, ''])),
          }
        : updateOf(of, value);
    const revised = { ...update, $set: { ...update.$set, [revision]: n } };
    return { updateOne: { filter: { ...whose(of), ...isOlder }, update: revised, upsert: true } };
  }

  async function write(changes: readonly Change<RowKey, Row>[]): Promise<void> {
    let left = changes;
    for (let tries = 0; left.length > 0 && tries < CACHE_LIMITS.maxOvertaken; tries++) {
      const written = left;
      left = await collection.bulkWrite(written.map(operationOf), { ordered: false }).then(
        () => [],
        (error: unknown) => overtaken(error, written),
      );
    }
    if (left.length > 0) throw new CacheError('full', name, 'too many flush at once');
  }

  /**
   * A duplicate of a change's own key says that the document has a newer revision already, which is as it should be; or that
   * another flush made the document at the same moment, with an older one: those are to be written again.
   */
  async function overtaken(error: unknown, changes: readonly Change<RowKey, Row>[]) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failed = [error.writeErrors].flat();
    if (failed.length === 0 || failed.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
    const again: Change<RowKey, Row>[] = [];
    for (const { index } of failed) {
      const change = changes[index];
      const kept = change && (await collection.findOne(whose(change.key)));
      // Of another document: something else of it is unique.
      if (change === undefined || kept === null) throw error;
      if (Number(kept?.[revision] ?? 0) < change.revision) again.push(change);
    }
    return again;
  }

  return {
    name,
    load: (of) => call(async () => (await find(whose(of), 1))[0]),
    loadMany: (keys) =>
      call(async () => {
        const found = await find({ [key]: { $in: keys.map(plainKey) } });
        return new Map(found.map((row) => [row[key], row]));
      }),
    list: ({ limit }) => call(() => find({}, limit)),
    insert: (row) =>
      call(async () => {
        await indexed();
        const update = updateOf(row[key], row);
        // In the place of a mark, too; a document that is there is not matched, and its key then a duplicate.
        await collection.updateOne({ ...whose(row[key]), [REMOVED]: true }, update, { upsert: true });
      }),
    save: (of, row) =>
      call(async () => {
        const update = updateOf(of, row);
        await indexed();
        const upsert = () =>
          collection.findOneAndUpdate(whose(of), update, { upsert: true, returnDocument: 'after', projection });
        // Two that insert one key at once: the second finds it the next time. A duplicate of another field stays one.
        const kept = await upsert().catch((error: unknown) => {
          duplicate(error);
          return upsert();
        });
        return kept === null ? row : readRow(name, columns, kept);
      }),
    change: (of, fields) =>
      call(async () => {
        if (fields[key] !== undefined && fields[key] !== of) throw otherKey(name, key, of, fields[key]);
        const given = { ...fields, [key]: of };
        const update = updateOfThose(givenColumns(columns, given), given);
        const kept = await collection.findOneAndUpdate({ ...whose(of), [REMOVED]: { $exists: false } }, update, {
          returnDocument: 'after',
          projection,
        });
        return kept === null ? undefined : readRow(name, columns, kept);
      }),
    remove: (of) =>
      call(async () => (await collection.deleteOne({ ...whose(of), [REMOVED]: { $exists: false } })).deletedCount > 0),
    flush: (changes, guard): Promise<Flushed> =>
      call(async () => {
        await indexed();
        const fence = guard.kind === 'fence' ? await raise(guard) : undefined;
        if (fence !== undefined) return { kind: 'fenced', cluster: fence.cluster, n: fence.n };
        await write(changes);
        return { kind: 'saved' };
      }),
    adopt: (found, cluster) =>
      call(async () => {
        const adopted = await fences.updateOne({ _id: options.collection, ...fenceOf(found) }, { $set: { cluster } });
        return adopted.matchedCount > 0;
      }),
    ping: () => call(async () => void (await database.command({ ping: 1 }))),
    close: () => client.close(),
  };
}

/** Of what was handed in nothing else goes into a query, and nothing that could be an operator. */
function fenceOf({ cluster, n }: Fence): Fence {
  return { cluster: String(cluster), n: Number(n) };
}

function clientOptions({
  statementTimeout = '3s',
  connectTimeout = '1s',
}: Partial<Record<'statementTimeout' | 'connectTimeout', Duration>>) {
  const connectTimeoutMS = milliseconds(connectTimeout, 'connectTimeout');
  return {
    connectTimeoutMS,
    serverSelectionTimeoutMS: connectTimeoutMS,
    waitQueueTimeoutMS: connectTimeoutMS,
    socketTimeoutMS: milliseconds(statementTimeout, 'statementTimeout'),
    // What failed is said, not sent again: who called knows whether that would be harmless.
    retryWrites: false,
    retryReads: false,
    heartbeatFrequencyMS: 1000,
    minHeartbeatFrequencyMS: 100,
    maxPoolSize: 10,
  };
}

/** False for a duplicate; rejects with anything else. */
function duplicate(error: unknown): false {
  if (error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY) return false;
  throw error;
}
