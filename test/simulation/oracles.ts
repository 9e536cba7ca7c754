// The oracles: what must hold of every run, however many faults it had.

import type { TokenCommand } from '../../src/core/access/token-command.ts';
import { decodeFrame } from '../../src/core/codec.ts';
import type { ClientCommand } from '../../src/core/commands/command.ts';
import type { Entry } from '../../src/core/keyspace.ts';
import { isRemembered } from '../../src/core/outcome.ts';
import { positionText } from '../../src/http/events.ts';
import { hexDigest } from '../../src/node/cluster-view.ts';
import { isAfter } from '../../src/node/history.ts';
import type { Consistency, WriteResult } from '../../src/node/requests.ts';
import { checkLinearizability } from '../linearizability/checker.ts';
import type { History, WriteRecord } from './clients.ts';
import type { SimulatedCluster, Slot } from './cluster.ts';
import { ledgerFaults, outcomeText, sumOf } from './ledger.ts';
import type { Operator } from './operator.ts';
import { type AppliedCommand, couldBeSeen, firstOutcomes, type Replay, replay, successes } from './replay.ts';
import { answerFaults, takenFaults } from './restores.ts';
import { operationsOf } from './single-keys.ts';
import { snapshotFaults } from './snapshots.ts';
import type { Act, Administration, TokenLook } from './token-facts.ts';
import type { Told } from './watchers.ts';

type Watched = {
  readonly told: readonly Told[];
  /** The events of records before this offset have had the time to arrive. */
  readonly arrivedBefore: number;
  readonly administration: Administration;
  readonly operators: readonly Operator[];
};

/** A request read late by this much is not yet a pause, and the log's time may lag by as much. */
const LATE_WRITE_SLACK_MS = 1500;
const MAX_TEXT = 600;

export class Oracles {
  readonly violations: string[] = [];
  /** Ids in acknowledged frames, by process. */
  readonly #acknowledged = new Set<string>();
  /** By process and key: the revision of an entry that was seen to be gone. */
  readonly #gone = new Map<string, { last: number; gone: number }>();

  onViolation(what: string): void {
    // A value of a backup is long.
    this.violations.push(what.length > MAX_TEXT ? `${what.slice(0, MAX_TEXT)} …` : what);
  }

  onAcknowledged(processName: string, payload: Uint8Array): void {
    const decoded = decodeFrame(payload);
    if (decoded.kind !== 'frame') return;
    for (const { id } of decoded.frame.commands) this.#acknowledged.add(`${processName} ${id}`);
  }

  /** N1, that a passing rejection is never remembered, and that a transaction is one. */
  onApplied(
    processName: string,
    command: ClientCommand | TokenCommand,
    result: Extract<WriteResult, { kind: 'applied' }>,
  ): void {
    if (!this.#acknowledged.has(`${processName} ${result.id}`)) {
      this.onViolation(`${result.id} was answered by ${processName} before its append was acknowledged`);
    }
    const { isRepeat, code } = result.outcome;
    if (isRepeat && !isRemembered(code)) this.onViolation(`${result.id} was told a remembered ${code}`);
    for (const fault of ledgerFaults(command, result.outcome)) this.onViolation(`${result.id}: ${fault}`);
  }

  onRead(slot: Slot, consistency: Consistency, minRevision: number, entry: Entry | undefined): void {
    if (slot.node.revision() < minRevision) this.onViolation(`a ${consistency} read was answered too early`);
    const logTime = Date.parse(slot.node.cluster().logTime);
    if (entry !== undefined && entry.expiresAt !== 0 && entry.expiresAt <= logTime) {
      this.onViolation(`a ${consistency} read showed an expired entry`);
    }
  }

  /** An eventual read looked at a key whose entries expire: once gone, the same entry must not come back on this node. */
  onProbe(processName: string, key: string, entry: Entry | undefined): void {
    const name = `${processName} ${key}`;
    const known = this.#gone.get(name) ?? { last: 0, gone: 0 };
    if (entry === undefined) known.gone = known.last;
    else if (entry.revision === known.gone) this.onViolation(`an entry of ${key} came back on ${processName}`);
    else known.last = entry.revision;
    this.#gone.set(name, known);
  }

  /** An eventual read of several keys in one turn sees one revision. */
  onAccounts(processName: string, entries: readonly (Entry | undefined)[]): void {
    const sum = sumOf(entries);
    if (sum !== 0n) this.onViolation(`the accounts on ${processName} differed by ${sum}`);
  }

  /** After healing and draining. */
  async judge(
    cluster: SimulatedCluster,
    history: History,
    judgesLateWrites: boolean,
    watched: Watched,
  ): Promise<Replay> {
    const records = cluster.store.history();
    const sendings = watched.operators.flatMap((operator) => operator.sendings);
    const truth = replay(
      records,
      sendings.map(({ backup }) => backup),
    );
    for (const name of truth.doubledFrames) this.onViolation(`frame ${name} was applied twice`);
    for (const fault of truth.faults) this.onViolation(fault);
    for (const fault of truth.levelFaults) this.onViolation(fault);
    for (const fault of truth.evictionFaults) this.onViolation(fault);
    for (const key of truth.expiredEarly) this.onViolation(`${key} was expired before its time`);
    for (const [id, commands] of truth.byId) {
      if (successes(commands) > 1 || firstOutcomes(commands).length > 1) {
        const codes = commands.map(({ offset, outcome }) => `${outcome.code}@${offset}`);
        this.onViolation(`${id} was applied more than once: ${codes.join(', ')}`);
      }
    }
    for (const [process, pending] of history.pending) {
      if (!process.isDead && pending > 0) this.onViolation(`${pending} requests to ${process.name} never ended`);
    }
    const { acts, looks } = watched.administration;
    for (const write of [...history.writes, ...acts]) this.#judgeWrite(write, truth, cluster.falsified);
    for (const look of looks) this.#judgeLook(look, truth, cluster.falsified);
    for (const fault of truth.tokens.faults) this.onViolation(fault);
    if (judgesLateWrites) for (const write of history.writes) this.#judgeLateness(write, truth, cluster.landedAt);
    this.#judgeReads(history, truth);
    for (const { text } of checkLinearizability(operationsOf(history, truth, cluster.landedAt))) this.onViolation(text);
    for (const told of watched.told) this.#judgeWatch(told, truth, watched.arrivedBefore);
    this.#judgeReplicas(cluster, truth);
    for (const fault of truth.restores.faults) this.onViolation(fault);
    for (const sending of sendings)
      for (const fault of answerFaults(sending, truth, cluster.falsified)) this.onViolation(fault);
    for (const fault of await takenFaults(watched.operators, cluster, records, truth)) this.onViolation(fault);
    const { trims, wronglyRemoved } = cluster;
    const saved = { store: cluster.snapshots.open(), trims, wronglyRemoved, history: records };
    const isSpoilt = (id: string) => cluster.isSpoilt(id);
    const isFalse = (id: string) => cluster.falsified !== undefined && id.includes(`-${cluster.falsified}-`);
    for (const fault of await snapshotFaults({ ...saved, isSpoilt, isFalse }, truth)) this.onViolation(fault);
    return truth;
  }

  // Whom a node lets in at a revision is what the log says by then, however it came there.
  #judgeLook({ processName, revision, text }: TokenLook, truth: Replay, falsified: string | undefined): void {
    const known = truth.tokens.at(revision);
    if (processName !== falsified && text !== known)
      this.onViolation(`at revision ${revision} ${processName} let in "${text}", and the log "${known}"`);
  }

  #judgeWrite(write: Act, truth: Replay, falsified: string | undefined): void {
    if (!write.isEnded) this.onViolation(`${write.id} never came to an end`);
    for (const { processName, result } of write.results) {
      if (processName === falsified) continue;
      const commands = truth.byId.get(result.id) ?? [];
      if (result.kind === 'applied') this.#judgeAnswer(result, commands);
      else if (!result.isUnknown && firstOutcomes(commands).length > 0) {
        this.onViolation(`${processName} said that ${result.id} was not applied, and it was`);
      }
    }
  }

  // N1: what was answered is what the log says happened.
  #judgeAnswer({ id, outcome }: Extract<WriteResult, { kind: 'applied' }>, commands: readonly AppliedCommand[]): void {
    const told = outcomeText(outcome);
    const [first] = firstOutcomes(commands);
    const same = outcome.isRepeat
      ? first !== undefined && outcomeText(first.outcome) === told
      : commands.some((command) => outcomeText(command.outcome) === told);
    if (!same) this.onViolation(`${id} was answered "${told}", which the log does not say`);
  }

  // A write must not be executed long after its client gave up.
  #judgeLateness(write: WriteRecord, truth: Replay, landedAt: readonly number[]): void {
    for (const { result } of write.results) {
      for (const { node, offset } of firstOutcomes(truth.byId.get(result.id) ?? [])) {
        const at = landedAt[offset] ?? 0;
        const inTime = write.sends.some(
          (send) => send.nodeId === node && at <= send.at + send.timeoutMs + LATE_WRITE_SLACK_MS,
        );
        if (!inTime) this.onViolation(`${result.id} was executed at ${Math.round(at)}, long after its client gave up`);
      }
    }
  }

  #judgeReads(history: History, truth: Replay): void {
    for (const { key, consistency, from, to, seen } of history.reads) {
      if (!couldBeSeen(truth.byKey.get(key) ?? [], seen, from, to)) {
        this.onViolation(
          `a ${consistency} read of ${key} saw revision ${seen}, which was not so between ${from} and ${to}`,
        );
      }
    }
  }

  // Each event once, in order, from the first position to the last; and at the end nothing is missing.
  #judgeWatch({ prefix, from, events, to, isOpen }: Told, truth: Replay, arrivedBefore: number): void {
    const wanted = truth.changes.filter(
      (change) =>
        change.key.startsWith(prefix) &&
        isAfter(change, from) &&
        (!isAfter(change, to) || (isOpen && change.offset < arrivedBefore)),
    );
    const at = wanted.findIndex(({ text }, n) => events[n] !== text);
    if (at === -1 && events.length === wanted.length) return;
    const place = at === -1 ? wanted.length : at;
    this.onViolation(
      `a watcher of "${prefix}" since ${positionText(from)} was told "${events[place]}" where "${wanted[place]?.text}" had happened`,
    );
  }

  // K2: the digests that the nodes report are those of a replay from the start.
  #judgeReplicas(cluster: SimulatedCluster, truth: Replay): void {
    const known = new Set([...truth.digests.values()].map(hexDigest));
    for (const { nodeId, node } of cluster.slots) {
      const { phase } = node.status();
      if (phase !== 'ready') this.onViolation(`${nodeId} is ${phase} at the end`);
      for (const member of node.cluster().members) {
        if (!known.has(member.digest))
          this.onViolation(`${nodeId} knows a digest of ${member.node} that no replay has`);
        if (!member.ready) this.onViolation(`${nodeId} sees ${member.node} as not ready at the end`);
      }
      if (cluster.falsified === undefined && node.metrics().disagreements > 0)
        this.onViolation(`${nodeId} counted a disagreement of digests`);
      if (node.metrics().waitingCommands > 0) this.onViolation(`${nodeId} has commands waiting at the end`);
    }
  }
}
