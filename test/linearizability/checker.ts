// Is a history linearizable? For each key alone, the search of Wing and Gong for one order that explains everything, with Lowe's memo of what was tried.
import type { Operation } from './operation.ts';
import { step, type Value } from './register.ts';
import { findingText } from './transcript.ts';
import { Tried } from './tried.ts';

/** A key whose operations no order explains, or for which the search was given up: neither is a proof of linearizability. */
export type Finding = {
  readonly kind: 'violation' | 'undecided';
  readonly key: string;
  /** How many operations the longest order has that was found, and its last few. */
  readonly placed: number;
  readonly last: readonly Operation[];
  /** The value after them. */
  readonly value: Value;
  /** Those of which one would have had to come next. */
  readonly stuck: readonly Operation[];
  /** All of it in words, a line for each operation. */
  readonly text: string;
};

type CheckOptions = {
  /** Configurations tried for one key before its search is given up; default: two million, some hundred bytes each. */
  readonly maxConfigurations?: number;
};

const MAX_CONFIGURATIONS = 2_000_000;
/** Of the longest order so many are kept, to be shown. */
const SHOWN = 12;

/** One finding for each key that is not shown to be linearizable: none means that the history is. */
export function checkLinearizability(history: readonly Operation[], options: CheckOptions = {}): readonly Finding[] {
  const byKey = Map.groupBy(history, ({ key }) => key);
  return [...byKey.values()].flatMap((operations) => {
    const finding = new Search(operations).run(options.maxConfigurations ?? MAX_CONFIGURATIONS);
    return finding === undefined ? [] : [finding];
  });
}

/** The call or the return of an operation whose outcome is known, in a list by time. */
type Event = {
  readonly operation: Operation | undefined;
  readonly isReturn: boolean;
  readonly place: number;
  previous: Event | undefined;
  next: Event | undefined;
  /** Of a call: its return. */
  end: Event | undefined;
};

/** Operations without an outcome that do the same, by their starts: the earliest can stand wherever a later one can. */
type Group = { readonly index: number; readonly operations: readonly Operation[]; used: number };

/** With what was before it. */
type Taken = {
  readonly taken: Event | Group;
  readonly operation: Operation;
  readonly value: Value;
  readonly doubt: Doubt | undefined;
};

/** What was taken last is an unknown operation, and without it this would be the value. */
type Doubt = { readonly value: Value };

/** One key's search. An operation is *taken* when it has its place in the order; each path is a stack of them. */
class Search {
  readonly #head: Event = { ...NO_EVENT };
  readonly #groups: readonly Group[];
  readonly #path: Taken[] = [];
  readonly #tried = new Tried();
  #value: Value;
  #doubt: Doubt | undefined;
  readonly #key: string;
  /** Of the longest order so far. */
  #longest: Omit<Finding, 'kind' | 'key' | 'text'> = { placed: -1, last: [], value: undefined, stuck: [] };

  constructor(operations: readonly Operation[]) {
    this.#key = operations[0]?.key ?? '';
    const known = operations.filter(({ isKnown }) => isKnown);
    const unknown = operations.filter(({ isKnown, op }) => !isKnown && op !== 'get');
    link(this.#head, known);
    this.#groups = groupsOf(unknown, operations);
  }

  /** Undefined: an order was found. */
  run(maxConfigurations: number): Finding | undefined {
    let event = this.#head.next;
    // Where the next group is looked for, once no known operation will do.
    let group = 0;
    while (this.#head.next !== undefined) {
      if (this.#tried.size > maxConfigurations) return this.#finding('undecided');
      if (event !== undefined && !event.isReturn) {
        const isTaken = this.#tryKnown(event);
        event = isTaken ? this.#head.next : event.next;
        group = 0;
        continue;
      }
      const before = event?.operation?.end ?? Number.POSITIVE_INFINITY;
      const found = this.#tryUnknown(group, before);
      if (found) {
        event = this.#head.next;
        group = 0;
        continue;
      }
      this.#noteLongest();
      const undone = this.#undo();
      if (undone === undefined) return this.#finding('violation');
      if ('operations' in undone) {
        group = undone.index + 1;
        event = this.#head.next;
        while (event !== undefined && !event.isReturn) event = event.next;
      } else {
        event = undone.next;
        group = 0;
      }
    }
    return undefined;
  }

  #tryKnown(event: Event): boolean {
    const { operation, place } = event;
    const after = operation === undefined ? 'impossible' : step(this.#value, operation);
    if (operation === undefined || after === 'impossible' || this.#isIdle(operation, after.value)) return false;
    this.#tried.mark(place);
    if (!this.#tried.isNew(this.#groups, after.value, undefined)) {
      this.#tried.mark(place);
      return false;
    }
    this.#path.push({ taken: event, operation, value: this.#value, doubt: this.#doubt });
    this.#go(after.value, undefined);
    unlink(event);
    if (event.end !== undefined) unlink(event.end);
    return true;
  }

  #tryUnknown(from: number, before: number): boolean {
    for (let index = from; index < this.#groups.length; index++) {
      const group = this.#groups[index];
      const operation = group?.operations[group.used];
      if (group === undefined || operation === undefined || operation.start > before) continue;
      const after = step(this.#value, operation);
      if (after === 'impossible' || after.value === this.#value || this.#isIdle(operation, after.value)) continue;
      const doubt = { value: this.#value };
      group.used++;
      if (this.#tried.isNew(this.#groups, after.value, doubt)) {
        this.#path.push({ taken: group, operation, value: this.#value, doubt: this.#doubt });
        this.#go(after.value, doubt);
        return true;
      }
      group.used--;
    }
    return false;
  }

  // What nobody was told of may also never have happened: it is taken only where the next one would not go the same way without it.
  #isIdle(next: Operation, valueAfter: Value): boolean {
    if (this.#doubt === undefined) return false;
    const without = step(this.#doubt.value, next);
    return without !== 'impossible' && without.value === valueAfter;
  }

  #undo(): Event | Group | undefined {
    const last = this.#path.pop();
    if (last === undefined) return undefined;
    const { taken, value, doubt } = last;
    if ('operations' in taken) {
      taken.used--;
    } else {
      if (taken.end !== undefined) relink(taken.end);
      relink(taken);
      this.#tried.mark(taken.place);
    }
    this.#go(value, doubt);
    return taken;
  }

  #go(value: Value, doubt: Doubt | undefined): void {
    this.#value = value;
    this.#doubt = doubt;
  }

  #noteLongest(): void {
    if (this.#path.length <= this.#longest.placed) return;
    const stuck: Operation[] = [];
    for (let event = this.#head.next; event !== undefined && !event.isReturn; event = event.next) {
      if (event.operation !== undefined) stuck.push(event.operation);
    }
    const last = this.#path.slice(-SHOWN).map(({ operation }) => operation);
    this.#longest = { placed: this.#path.length, last, value: this.#value, stuck };
  }

  #finding(kind: Finding['kind']): Finding {
    const found = { kind, key: this.#key, ...this.#longest };
    return { ...found, text: findingText(found) };
  }
}

const NO_EVENT: Event = {
  operation: undefined,
  isReturn: false,
  place: -1,
  previous: undefined,
  next: undefined,
  end: undefined,
};

/**
 * What writes a value that nobody was told of does the same as any other such: they are one group, and the first to be tried where all
 * that matters is that something is there. Then come those that were seen soonest.
 */
function groupsOf(unknown: readonly Operation[], all: readonly Operation[]): readonly Group[] {
  const isValuePart = all.some(({ op }) => op === 'increment' || op === 'append');
  const seenAt = new Map<string | undefined, number>();
  for (const { op, result, expected, end } of all) {
    if (op !== 'get' && op !== 'replace') continue;
    const value = op === 'get' ? result : expected;
    seenAt.set(value, Math.min(end, seenAt.get(value) ?? Number.POSITIVE_INFINITY));
  }
  const rank = ({ argument }: Operation) => seenAt.get(argument) ?? (isValuePart || argument === undefined ? 0 : -1);
  const nameOf = (operation: Operation) => {
    const { op, argument, expected } = operation;
    return JSON.stringify(rank(operation) === -1 ? [op, expected] : [op, expected, argument]);
  };
  const groups = [...Map.groupBy(unknown, nameOf).values()].map((same) => same.toSorted((a, b) => a.start - b.start));
  const ranked = groups.map((operations) => ({ operations, rank: Math.min(...operations.map(rank)) }));
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ operations }, index) => ({ index, operations, used: 0 }));
}

/** Hangs all calls and returns behind `head`, by time; at one time calls come first, for then neither was before the other. */
function link(head: Event, operations: readonly Operation[]): void {
  const events = operations.flatMap((operation, place) => {
    const end: Event = { ...NO_EVENT, operation, isReturn: true, place };
    const call: Event = { ...NO_EVENT, operation, place, end };
    return [
      { time: operation.start, event: call },
      { time: operation.end, event: end },
    ];
  });
  events.sort((a, b) => a.time - b.time || Number(a.event.isReturn) - Number(b.event.isReturn));
  let last = head;
  for (const { event } of events) {
    last.next = event;
    event.previous = last;
    last = event;
  }
}

function unlink(event: Event): void {
  if (event.previous !== undefined) event.previous.next = event.next;
  if (event.next !== undefined) event.next.previous = event.previous;
}

/** In the opposite order of `unlink`. */
function relink(event: Event): void {
  if (event.previous !== undefined) event.previous.next = event;
  if (event.next !== undefined) event.next.previous = event;
}
