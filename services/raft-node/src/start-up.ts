import { hexId } from "@quorate/base";
import {
  isAtLeast,
  type Configuration,
  type EntryId,
  type HardState,
  type LogIndex,
  type MemberId,
} from "@quorate/raft";
import type { AppliedPosition, Membership } from "@quorate/state-machine";
import {
  StorageCorruptionError,
  StorageIdentityError,
  type Anchor,
  type AnchorRecord,
  type LogPosition,
  type LogStart,
  type LogStorage,
} from "@quorate/storage";
import type { AnchorBeginning } from "./anchor/anchor-keeper";

/** What there is of an anchor beside a log. */
export interface AnchorFindings {
  readonly record: AnchorRecord | undefined;
  /** Of its two slots. */
  readonly damagedSlots: number;
  /** What the log holds at the index that the record names; `undefined`: nothing, or no more. */
  readonly inLog: LogPosition | undefined;
}

export interface StartFindings {
  readonly start: LogStart;
  readonly anchor: AnchorFindings;
  /** Where the applied state stands. */
  readonly position: AppliedPosition;
  readonly membership: Membership;
}

export interface StartDecision {
  /** Above every number that others have seen of this member, also if its log was set back. */
  readonly incarnation: number;
  /** The newest term and vote of which anything is known. */
  readonly hardState: HardState;
  /** What the log has lost; `undefined`: nothing. */
  readonly promised: AnchorBeginning["promised"];
}

/**
 * Compares a log with what else is known of it, and decides how its member may start: as it was, in repair mode, or not at all.
 *
 * Log entries are compared by term first: a newer leader may have replaced the end of the log by something shorter.
 *
 * @param place The data directory, for error texts.
 * @throws {StorageIdentityError} The anchor is another member's.
 * @throws {StorageCorruptionError} The member cannot be trusted any more, or nobody has what it lost. The text says what to do.
 */
export function decideStart(place: string, findings: StartFindings): StartDecision {
  const { start, anchor, position, membership } = findings;
  const { record } = anchor;
  if (record === undefined && start.anchored) throw anchorMissing(place, anchor.damagedSlots);
  if (record !== undefined) expectSameMember(place, start, record);
  if (record !== undefined) expectSameHistory(place, start, record, anchor.inLog);

  const hardState = newerHardState(place, start.hardState, record);
  const promised = lostPromise(start, record, position);
  const voters = membership.founded ? membership.configuration : start.configuration;
  if (isAlone(voters, start.identity.memberId)) {
    if (promised !== undefined) throw nobodyHasIt(place, start, promised.at);
    if (position.index < start.compacted.index) throw nobodyHasState(place, start, position);
  }
  return {
    incarnation: Math.max(start.incarnation, (record?.incarnation ?? 0) + 1),
    hardState,
    promised,
  };
}

/** Looks up in a log what its anchor tells of. @throws {StorageCorruptionError} that entry is damaged. */
export function anchorFindings(anchor: Anchor, log: Pick<LogStorage, "start" | "read">): AnchorFindings {
  const { found: record, damagedSlots } = anchor;
  if (record === undefined) return { record, damagedSlots, inLog: undefined };
  const { compacted, compactedChain } = log.start;
  const { index } = record.last;
  if (index === compacted.index)
    return { record, damagedSlots, inLog: { at: compacted, chain: compactedChain } };
  const entry = index <= endOf(log.start).at.index ? log.read(index, index, 1)[0] : undefined;
  const inLog = entry && { at: { term: entry.term, index: entry.index }, chain: entry.chain };
  return { record, damagedSlots, inLog };
}

/** Where the log ends. */
export function endOf(start: LogStart): LogPosition {
  const last = start.tail.at(-1);
  if (last === undefined) return { at: start.compacted, chain: start.compactedChain };
  return { at: { term: last.term, index: last.index }, chain: last.chain };
}

/** The furthest of all that shows that the log was longer. */
function lostPromise(
  start: LogStart,
  record: AnchorRecord | undefined,
  position: AppliedPosition,
): AnchorBeginning["promised"] {
  const { at: last } = endOf(start);
  const witnesses: NonNullable<AnchorBeginning["promised"]>[] = [];
  if (record !== undefined) {
    witnesses.push({ at: record.last, chain: record.chain });
    // The write that held this term is gone, and so is whatever came after it: at most entries of that term.
    if (record.term > start.hardState.term)
      witnesses.push({ at: { term: record.term, index: 0 as LogIndex }, chain: undefined });
  }
  if (position.index > last.index)
    witnesses.push({ at: { term: position.term, index: position.index } as EntryId, chain: undefined });
  return witnesses
    .filter(({ at }) => !isAtLeast(last, at))
    .reduce<AnchorBeginning["promised"]>(
      (furthest, witness) =>
        furthest === undefined || !isAtLeast(furthest.at, witness.at) ? witness : furthest,
      undefined,
    );
}

function newerHardState(place: string, log: HardState, record: AnchorRecord | undefined): HardState {
  if (record === undefined || record.term < log.term) return log;
  if (record.term > log.term) return { term: record.term, vote: record.vote, commit: log.commit };
  if (record.vote !== undefined && log.vote !== undefined && record.vote !== log.vote) {
    throw corruption(
      place,
      `log and anchor tell of different votes in term ${log.term}: ${hexId(log.vote)} and ${hexId(record.vote)}`,
    );
  }
  return { ...log, vote: log.vote ?? record.vote };
}

function expectSameMember(place: string, { identity }: LogStart, record: AnchorRecord): void {
  if (record.clusterId === identity.clusterId && record.memberId === identity.memberId) return;
  throw new StorageIdentityError(
    `Cannot start from ${place}: its log is of member ${hexId(identity.memberId)} of cluster ` +
      `${hexId(identity.clusterId)}, its anchor of member ${hexId(record.memberId)} of cluster ${hexId(record.clusterId)}. ` +
      "Files of two members are mixed up: put back what belongs together",
  );
}

/** A log that is only shorter than it was can be repaired; one that tells something else cannot. */
function expectSameHistory(
  place: string,
  start: LogStart,
  { last, chain }: AnchorRecord,
  inLog: LogPosition | undefined,
): void {
  if (inLog === undefined || chain === undefined) return;
  const isReplaced = inLog.at.term !== last.term && endOf(start).at.term > last.term;
  const isSame = inLog.at.term === last.term && chain === inLog.chain;
  if (isSame || isReplaced) return;
  throw corruption(place, `entry ${last.index} of its log is not the one that the anchor tells of`);
}

function isAlone({ incoming, outgoing }: Configuration, member: MemberId): boolean {
  return incoming.length > 0 && [...incoming, ...outgoing].every((voter) => voter === member);
}

function anchorMissing(place: string, damagedSlots: number): StorageCorruptionError {
  const what = damagedSlots > 0 ? "is damaged in both of its copies" : "is missing";
  return corruption(place, `the file "anchor" ${what}, and with it what this member promised last`);
}

function nobodyHasIt(place: string, start: LogStart, lost: EntryId): StorageCorruptionError {
  const { at } = endOf(start);
  return new StorageCorruptionError(
    `Cannot start from ${place}: the log lost entries that were acknowledged. It ends at ${at.index} of term ${at.term}, and ` +
      `once held ${lost.index} of term ${lost.term}. This member is the only one of its cluster, so nobody can give them back. ` +
      "Restore the directory from a copy, or found a new cluster from a backup",
  );
}

function nobodyHasState(place: string, start: LogStart, { index }: AppliedPosition): StorageCorruptionError {
  return new StorageCorruptionError(
    `Cannot start from ${place}: the state is lost or damaged. It goes up to ${index}, and the log begins behind ` +
      `${start.compacted.index}. This member is the only one of its cluster, so nobody can give it a snapshot. ` +
      "Restore the directory from a copy, or found a new cluster from a backup",
  );
}

function corruption(place: string, what: string): StorageCorruptionError {
  return new StorageCorruptionError(
    `Cannot trust the data in ${place}: ${what}. It must not vote or answer with them. Keep the directory for ` +
      "examination, remove this member from the cluster and add a new one",
  );
}
