import type { Revision } from "@quorate/mvcc";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import { CLUSTER_VERSION_FIRST, type Alarm } from "@quorate/state-machine";
import { alarmsFromWire, wireAlarm } from "./alarms";
import { counterOf, saturatingNumber, unsignedId, wireId } from "./int64";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.internal.v1;

/** What a raft-node tells about itself. */
export interface NodeStatus {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly term: Term;
  readonly leader: MemberId | undefined;
  readonly lastIndex: LogIndex;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly revision: Revision;
  /** -1 before the first compaction. */
  readonly compactRevision: Revision;
  readonly dbSizeBytes: number;
  /** Equal on all members at equal `appliedIndex`. */
  readonly effectHash: number;
  readonly members: readonly NodeMember[];
  /** The program's version. */
  readonly version: string;
  readonly incarnation: number;
  /** Keys and values of all rows that the member stores: what its quota is held against. */
  readonly storedBytes: number;
  /** 0: none. */
  readonly quotaBytes: number;
  /** Those that are active. */
  readonly alarms: readonly Alarm[];
  /** Its log has lost entries; until it holds them again it serves nothing and cannot lead. */
  readonly repairing: boolean;
  /** Options that are in use and must not be left on, such as "--force-new-cluster". */
  readonly unsafeOptions: readonly string[];
  /** By which rules entries are applied. */
  readonly clusterVersion: number;
  /** Up to which cluster version this member can. */
  readonly clusterVersionMax: number;
  readonly integrity: IntegrityStatus;
}

/** How often a member's data were checked since it started, to the end and without finding damage in its own. */
export interface IntegrityStatus {
  readonly stateScrubs: number;
  readonly logScrubs: number;
  /** As the leader: comparisons of all members that answered. */
  readonly hashChecks: number;
}

export interface NodeMember {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
}

/** A node's view of who leads. */
export interface LeaderNotice {
  readonly sender: MemberId;
  readonly term: Term;
  readonly leader: MemberId | undefined;
  /** What the sender says of itself, so that every member can list all of them. */
  readonly member: NodeMember | undefined;
}

export function encodeNodeStatus(status: NodeStatus): Uint8Array {
  return wire.NodeStatus.encode({
    ...status,
    clusterId: wireId(status.clusterId),
    memberId: wireId(status.memberId),
    leader: wireId(status.leader ?? 0n),
    members: status.members.map(wireMember),
    alarms: status.alarms.map(wireAlarm),
    unsafeOptions: [...status.unsafeOptions],
  }).finish();
}

/** @throws {DecodeError} */
export function decodeNodeStatus(bytes: Uint8Array): NodeStatus {
  const message = decodeMessage("NodeStatus", wire.NodeStatus, bytes);
  return {
    clusterId: unsignedId(message.clusterId),
    memberId: unsignedId(message.memberId) as MemberId,
    term: counterOf(message.term, "term") as Term,
    leader: knownMember(unsignedId(message.leader)),
    lastIndex: counterOf(message.lastIndex, "last_index") as LogIndex,
    commitIndex: counterOf(message.commitIndex, "commit_index") as LogIndex,
    appliedIndex: counterOf(message.appliedIndex, "applied_index") as LogIndex,
    revision: counterOf(message.revision, "revision") as Revision,
    compactRevision: saturatingNumber(message.compactRevision) as Revision,
    dbSizeBytes: counterOf(message.dbSizeBytes, "db_size_bytes"),
    effectHash: message.effectHash,
    members: message.members.map(memberOf),
    version: message.version,
    incarnation: message.incarnation,
    storedBytes: counterOf(message.storedBytes, "stored_bytes"),
    quotaBytes: counterOf(message.quotaBytes, "quota_bytes"),
    alarms: alarmsFromWire(message.alarms),
    unsafeOptions: message.unsafeOptions,
    clusterVersion: message.clusterVersion || CLUSTER_VERSION_FIRST,
    clusterVersionMax: message.clusterVersionMax || CLUSTER_VERSION_FIRST,
    integrity: {
      stateScrubs: message.integrity?.stateScrubs ?? 0,
      logScrubs: message.integrity?.logScrubs ?? 0,
      hashChecks: message.integrity?.hashChecks ?? 0,
    },
    repairing: message.repairing,
  };
}

export function encodeLeaderNotice(notice: LeaderNotice): Uint8Array {
  const { sender, term, leader, member } = notice;
  return wire.LeaderNotice.encode({
    sender: wireId(sender),
    term,
    leader: wireId(leader ?? 0n),
    member: member === undefined ? null : wireMember(member),
  }).finish();
}

/** @throws {DecodeError} */
export function decodeLeaderNotice(bytes: Uint8Array): LeaderNotice {
  const message = decodeMessage("LeaderNotice", wire.LeaderNotice, bytes);
  return {
    sender: unsignedId(message.sender) as MemberId,
    term: counterOf(message.term, "term") as Term,
    leader: knownMember(unsignedId(message.leader)),
    member: message.member ? memberOf(message.member) : undefined,
  };
}

/** For other messages that hold members. */
export function wireMember(member: NodeMember): quorate.internal.v1.NodeMember.$Properties {
  return {
    id: wireId(member.id),
    name: member.name,
    peerUrls: [...member.peerUrls],
    clientUrls: [...member.clientUrls],
    learner: member.learner,
  };
}

export function memberOf(member: quorate.internal.v1.NodeMember.$Properties): NodeMember {
  return {
    id: unsignedId(member.id ?? 0) as MemberId,
    name: member.name ?? "",
    peerUrls: member.peerUrls ?? [],
    clientUrls: member.clientUrls ?? [],
    learner: member.learner ?? false,
  };
}

/** Members are never 0: that stands for "none known". */
function knownMember(id: bigint): MemberId | undefined {
  return id === 0n ? undefined : (id as MemberId);
}
