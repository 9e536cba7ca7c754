// What a node may know of the outside: time, chance, ids and named fault points, all handed in by arguments.

/** Stops a timer; calling it twice, or after the timer ran, does nothing. */
export type Cancel = () => void;

export type Clock = {
  /** Milliseconds since an arbitrary start; never goes back; stands still while the machine is suspended. */
  monotonicMs(): number;
  /** Milliseconds since 1970 UTC; may jump either way. */
  wallMs(): number;
  /** Runs `task` once, not before `ms` milliseconds from now. */
  after(ms: number, task: () => void): Cancel;
  /** Resolves in a later turn of the event loop, after waiting input had its turn. */
  nextTurn(): Promise<void>;
};

/** Places where the simulator may crash a node. In production reaching one does nothing. */
export const FAULT_POINTS = [
  'before-append',
  'after-append-before-acknowledged',
  'before-apply',
  'after-apply-before-answer',
  'before-heartbeat',
  'before-chores',
  'while-saving-snapshot',
  'before-snapshot-told',
  'while-reading-snapshot',
  'before-verified',
  'before-trim',
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

export type World = {
  readonly clock: Clock;
  /** A number in [0, 1). */
  random(): number;
  /** A new unguessable id of visible ASCII characters. */
  newId(): string;
  fault(point: FaultPoint): void;
  /** Resolves when everything that waited in this process's sockets by now was read, connections not accepted yet too. */
  socketsEmptied(): Promise<void>;
};
