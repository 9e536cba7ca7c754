// The state machine: applies frames to the state, one command after another; pure, synchronous, total, the same on every node.
import { invariant } from '../base/assert.ts';
import { MEMBER_LIMITS } from '../base/limits.ts';
import type { Decoded, Frame, FrameCommand } from './codec.ts';
import type { DigestReport } from './commands/command.ts';
import type { Place } from './commands/spec.ts';
import { specOf } from './commands/table.ts';
import type { Keyspace } from './keyspace.ts';
import { advance } from './log-time.ts';
import { isRemembered, type Outcome, VERDICTS, type Verdict } from './outcome.ts';
import { State } from './state.ts';

/** What became of a record. Only an applied frame changed more than log time. */
export type Disposition = 'applied' | 'copy' | 'stranger' | 'garbage';

/** Hears the outcome of each command of an applied frame, in order. */
export type OutcomeListener = (command: FrameCommand, outcome: Outcome) => void;

export type MachineCounters = {
  framesApplied: number;
  copies: number;
  strangers: number;
  garbage: number;
  repeats: number;
};

export class Machine {
  readonly counters: MachineCounters = { framesApplied: 0, copies: 0, strangers: 0, garbage: 0, repeats: 0 };
  /** Digests noted at the ends of frames, newest last: of this replica, not of the state. */
  readonly notes: DigestReport[] = [];
  #state: State;
  #nextOffset: number;

  constructor(keyspace: Keyspace, firstOffset = 0) {
    this.#state = new State(keyspace);
    this.#nextOffset = firstOffset;
  }

  get state(): State {
    return this.#state;
  }

  /** Goes on from another state, restored from a snapshot, with the record at `offset`. Nothing is noted of it: nobody has compared it yet. */
  goOnFrom(state: State, offset: number): void {
    this.#state = state;
    this.#nextOffset = offset;
    this.notes.length = 0;
  }

  /** Offset of the record to be applied next. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Applies one record. A frame by a newer program must not be handed in: this node cannot go on. */
  apply(
    offset: number,
    timestamp: number,
    decoded: Exclude<Decoded, { kind: 'newer' }>,
    hear?: OutcomeListener,
  ): Disposition {
    invariant('L1', offset === this.#nextOffset, `expected offset ${this.#nextOffset}, got ${offset}`);
    this.#nextOffset = offset + 1;
    this.state.time = advance(this.state.time, timestamp);
    if (decoded.kind !== 'frame') {
      this.counters.garbage++;
      return 'garbage';
    }
    return this.#applyFrame(offset, decoded.frame, hear);
  }

  #applyFrame(offset: number, frame: Frame, hear: OutcomeListener | undefined): Disposition {
    const { state } = this;
    const standing = state.members.standing(frame, frame.n, joins(frame));
    if (standing === 'copy') {
      this.counters.copies++;
      return 'copy';
    }
    if (standing === 'stranger') {
      this.counters.strangers++;
      return 'stranger';
    }
    this.counters.framesApplied++;
    state.members.noteFrame(frame, frame.n, state.revision + 1, state.time.now);
    const place: Place = { node: frame.node, incarnation: frame.incarnation, offset };
    for (const command of frame.commands) {
      const outcome = this.#applyCommand(command, place);
      hear?.(command, outcome);
    }
    if (this.#isNoted(frame)) this.#note(offset);
    return 'applied';
  }

  // The order matters: repeat? deadline? then the command's own conditions.
  #applyCommand(command: FrameCommand, place: Place): Outcome {
    const { state } = this;
    state.revision++;
    const hasCluster = state.cluster !== '';
    if (!hasCluster && command.command.type !== 'create-cluster') return this.#outcome(VERDICTS['no-cluster']);
    if (command.id === '' || !hasCluster) return this.#outcome(this.#judge(command, place));
    state.recent.turn(state.time.now, state.rules);
    const first = state.recent.find(command.caller, command.id);
    if (first !== undefined) {
      if (first.hash !== command.hash) return this.#outcome(VERDICTS['id-reused']);
      this.counters.repeats++;
      return first.outcome;
    }
    const verdict = this.#judge(command, place);
    if (isRemembered(verdict.code)) {
      state.recent.add(command.caller, command.id, command.hash, verdict, state.revision);
    }
    return this.#outcome(verdict);
  }

  #judge(command: FrameCommand, place: Place): Verdict {
    const { state } = this;
    if (command.deadline !== 0 && state.time.now > command.deadline) return VERDICTS.deadline;
    // Only clients' commands have ids.
    if (state.restoring !== undefined && command.id !== '') return VERDICTS.restoring;
    const spec = specOf(command.command.type);
    if (spec.featureLevel !== undefined && spec.featureLevel > state.rules.featureLevel) {
      return VERDICTS['feature-not-enabled'];
    }
    return spec.apply(state, command.command, place);
  }

  #outcome(verdict: Verdict): Outcome {
    return { ...verdict, revision: this.state.revision, isRepeat: false };
  }

  // Only the end of a frame is a place to go on from, and every node must note at the same ones.
  #isNoted(frame: Frame): boolean {
    return frame.commands.some(({ command }) => {
      if (command.type === 'checkpoint') return true;
      if (command.type !== 'heartbeat') return false;
      const duty = this.state.members.duty();
      return duty?.node === frame.node && duty.incarnation === frame.incarnation;
    });
  }

  #note(offset: number): void {
    this.notes.push({ offset, revision: this.state.revision, digest: this.state.digest() });
    if (this.notes.length > MEMBER_LIMITS.notesKept) this.notes.shift();
  }
}

function joins(frame: Frame): boolean {
  const first = frame.commands[0]?.command.type;
  return first === 'heartbeat' || first === 'create-cluster';
}
