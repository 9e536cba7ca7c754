// Where SQL databases differ in what the sources of rows say to them.
export type SqlDialect = {
  /** A name from the configuration as an identifier; dots part schema and table. */
  quote(name: string): string;
  /** What makes an INSERT with the table's alias `kept` an upsert. `revision`: older rows do not replace newer ones. */
  upsert(key: string, others: readonly string[], revision: string | undefined): string;
  readonly alias: string;
  /** The type of a short text that is compared byte by byte. */
  readonly idType: string;
};

/** PostgreSQL and SQLite. */
export const standardDialect: SqlDialect = {
  quote: (name) => quoted(name, '"'),
  upsert(key, others, revision) {
    const assigned = others.map((column) => `${column} = excluded.${column}`);
    if (assigned.length === 0) return `ON CONFLICT (${key}) DO NOTHING`;
    const newer =
      revision === undefined ? '' : ` WHERE kept.${revision} IS NULL OR kept.${revision} < excluded.${revision}`;
    return `ON CONFLICT (${key}) DO UPDATE SET ${assigned.join(', ')}${newer}`;
  },
  alias: ' AS kept',
  idType: 'VARCHAR(191)',
};

/**
 * MySQL and MariaDB. Assignments are made from left to right, each seeing those before it: the revision comes last. Any
 * unique index makes it an update, of whichever row it finds: who upserts looks afterwards whether the keys are there.
 */
export const mysqlDialect: SqlDialect = {
  quote: (name) => quoted(name, '`'),
  upsert(key, others, revision) {
    const isNewer = revision && `COALESCE(${revision} < VALUES(${revision}), TRUE)`;
    const assigned = others
      .toSorted((a, b) => Number(a === revision) - Number(b === revision))
      .map((name) => `${name} = ${isNewer ? `IF(${isNewer}, VALUES(${name}), ${name})` : `VALUES(${name})`}`);
    return `ON DUPLICATE KEY UPDATE ${assigned.length === 0 ? `${key} = ${key}` : assigned.join(', ')}`;
  },
  alias: '',
  idType: 'VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
};

function quoted(name: string, mark: string): string {
  if (name === '' || name.includes('\0'))
    throw new TypeError(`not the name of a table or column: ${JSON.stringify(name)}`);
  return name
    .split('.')
    .map((part) => mark + part.replaceAll(mark, mark + mark) + mark)
    .join('.');
}
