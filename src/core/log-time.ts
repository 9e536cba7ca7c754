// Log time: the only clock that apply may see, made from the append timestamps of the records.

export type LogTime = {
  /** Ms since 1970 as the cluster counts them: never goes back, never stands still after a clock jump. 0 before the first record. */
  readonly now: number;
  /** Timestamp of the latest record as the log gave it; part of the state, for only differences count. */
  readonly lastRaw: number;
};

export const BEFORE_TIME: LogTime = { now: 0, lastRaw: 0 };

/** Every record moves log time, undecodable ones too. The first one sets it. */
export function advance(time: LogTime, timestamp: number): LogTime {
  if (time.now === 0) return { now: Math.max(1, timestamp), lastRaw: timestamp };
  return { now: time.now + Math.max(0, timestamp - time.lastRaw), lastRaw: timestamp };
}
