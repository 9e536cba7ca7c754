// A history, as clients wrote it down: operations on keys with their real times, for the checker to find an order in which they can have happened.

/** What a client wanted of one key, and what it was told. */
export type Operation = {
  readonly client: string;
  readonly key: string;
  /**
   * `create` is a put on condition that there is nothing, `replace` one on condition that `expected` is there. A conditional put by
   * ETag is a `replace` of the value that the ETag was read with, if no two writes of the history write the same value.
   */
  readonly op: 'get' | 'put' | 'create' | 'replace' | 'delete' | 'increment' | 'append';
  /** put, create, replace: the value; append: what is added; increment: by how much, a whole number in text; else nothing. */
  readonly argument?: string | undefined;
  /** Of replace: the value that must be there. */
  readonly expected?: string | undefined;
  /**
   * What was told, where `isKnown`. get: the value, undefined for none; put: `created`, `replaced`, or undefined where that was not told;
   * create, replace: `ok` or `rejected`; delete: `deleted` or `absent`; increment: the sum; append: the length in characters afterwards.
   */
  readonly result?: string | undefined;
  /** When it was first sent: any clock, but one for all clients. */
  readonly start: number;
  /** When its answer came, also if that came to a repetition under the same id. Meaningless where it is not known. */
  readonly end: number;
  /**
   * False: no answer came, or one that left open what happened; it may take effect once, at any time after `start`, or never. What
   * certainly never happened does not belong into a history, and neither does a get without an answer.
   */
  readonly isKnown: boolean;
};
