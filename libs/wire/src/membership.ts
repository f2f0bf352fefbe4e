import { EMPTY_BYTES } from "@quorate/base";
import type { MemberId, Term } from "@quorate/raft";
import type { ClusterMember, MembershipChange, MembershipRequest } from "@quorate/state-machine";
import { DecodeError } from "./errors";
import { counterOf, unsignedId, wireId, type WireInt64 } from "./int64";
import { memberOf, wireMember, type NodeMember } from "./node-status";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.internal.v1;
type WireEntry = quorate.internal.v1.MembershipEntry.$Properties;

/** What is asked of the leader about the membership. */
export interface MembershipOrder {
  readonly order:
    | { readonly kind: "change"; readonly request: MembershipRequest }
    | { readonly kind: "move-leader"; readonly to: MemberId };
  /** Change it even if too few members of the result would answer. */
  readonly skipHealthCheck: boolean;
}

/** The payload of a configuration entry. That of "leave-joint" is empty: Raft's leaders make it themselves. */
export function encodeMembershipEntry(request: MembershipRequest): Uint8Array {
  if (request.change.kind === "leave-joint") return EMPTY_BYTES;
  return wire.MembershipEntry.encode(wireEntry(request)).finish();
}

/** @throws {DecodeError} */
export function decodeMembershipEntry(payload: Uint8Array): MembershipRequest {
  if (payload.length === 0) return { changeId: 0n, change: { kind: "leave-joint" } };
  return entryOf(decodeMessage("MembershipEntry", wire.MembershipEntry, payload));
}

export function encodeMembershipOrder({ order, skipHealthCheck }: MembershipOrder): Uint8Array {
  return wire.MembershipRequest.encode(
    order.kind === "change"
      ? { change: wireEntry(order.request), skipHealthCheck }
      : { moveLeader: wireId(order.to), skipHealthCheck },
  ).finish();
}

/** @throws {DecodeError} */
export function decodeMembershipOrder(bytes: Uint8Array): MembershipOrder {
  const { change, moveLeader, skipHealthCheck } = decodeMessage(
    "MembershipRequest",
    wire.MembershipRequest,
    bytes,
  );
  if (change) return { order: { kind: "change", request: entryOf(change) }, skipHealthCheck };
  if (moveLeader != null)
    return { order: { kind: "move-leader", to: memberId(moveLeader) }, skipHealthCheck };
  throw new DecodeError("MembershipRequest", "it asks for nothing");
}

/** What a change is answered with. */
export interface MembershipResult {
  readonly clusterId: bigint;
  /** Of the leader that has answered. */
  readonly raftTerm: Term;
  /** All members afterwards, by id. */
  readonly members: readonly NodeMember[];
}

export function encodeMembershipResult({ clusterId, raftTerm, members }: MembershipResult): Uint8Array {
  return wire.MembershipResult.encode({
    clusterId: wireId(clusterId),
    raftTerm,
    members: members.map(wireMember),
  }).finish();
}

/** @throws {DecodeError} */
export function decodeMembershipResult(bytes: Uint8Array): MembershipResult {
  const { clusterId, raftTerm, members } = decodeMessage("MembershipResult", wire.MembershipResult, bytes);
  return {
    clusterId: unsignedId(clusterId),
    raftTerm: counterOf(raftTerm, "term") as Term,
    members: members.map(memberOf),
  };
}

function wireEntry({ changeId, change }: MembershipRequest): WireEntry {
  return { changeId: wireId(changeId), ...wireChange(change) };
}

function wireChange(change: MembershipChange): Omit<WireEntry, "changeId"> {
  switch (change.kind) {
    case "found": {
      const members = change.members.map((member) => wireClusterMember(member, false));
      return { found: { clusterId: wireId(change.clusterId), members } };
    }
    case "add":
      return {
        add: { member: wireClusterMember(change.member, change.learner), learnersMax: change.learnersMax },
      };
    case "promote":
      return { promote: wireId(change.id) };
    case "remove":
      return { remove: wireId(change.id) };
    case "replace":
      return { replace: { id: wireId(change.id), by: wireClusterMember(change.by, false) } };
    case "update":
      return { update: { id: wireId(change.id), peerUrls: [...change.peerUrls] } };
    case "publish":
      return {
        publish: {
          id: wireId(change.id),
          name: change.name,
          clientUrls: [...change.clientUrls],
          clusterVersionMax: change.clusterVersionMax,
        },
      };
    case "refound":
      return {
        refound: { clusterId: wireId(change.clusterId), member: wireClusterMember(change.member, false) },
      };
    case "raise-version":
      return { raiseVersion: change.version };
    case "leave-joint":
      return {};
  }
}

function entryOf(entry: WireEntry): MembershipRequest {
  return { changeId: unsignedId(entry.changeId ?? 0), change: changeOf(entry) };
}

function changeOf(entry: WireEntry): MembershipChange {
  const { found, add, replace, update, publish, refound } = entry;
  if (found) {
    const members = (found.members ?? []).map((member) => clusterMemberOf(member));
    return { kind: "found", clusterId: unsignedId(found.clusterId ?? 0), members };
  }
  if (add) {
    const member = clusterMemberOf(add.member);
    return { kind: "add", member, learner: add.member?.learner ?? false, learnersMax: add.learnersMax ?? 0 };
  }
  if (entry.promote != null) return { kind: "promote", id: memberId(entry.promote) };
  if (entry.remove != null) return { kind: "remove", id: memberId(entry.remove) };
  if (replace) return { kind: "replace", id: memberId(replace.id), by: clusterMemberOf(replace.by) };
  if (update) return { kind: "update", id: memberId(update.id), peerUrls: update.peerUrls ?? [] };
  if (publish) {
    const { id, name, clientUrls, clusterVersionMax } = publish;
    return {
      kind: "publish",
      id: memberId(id),
      name: name ?? "",
      clientUrls: clientUrls ?? [],
      clusterVersionMax: clusterVersionMax ?? 0,
    };
  }
  if (refound) {
    const clusterId = unsignedId(refound.clusterId ?? 0);
    return { kind: "refound", clusterId, member: clusterMemberOf(refound.member) };
  }
  if (entry.raiseVersion != null) return { kind: "raise-version", version: entry.raiseVersion };
  throw new DecodeError("MembershipEntry", "its change is not known", { unknownKind: true });
}

function wireClusterMember(
  member: ClusterMember,
  learner: boolean,
): quorate.internal.v1.NodeMember.$Properties {
  return wireMember({ ...member, learner });
}

function clusterMemberOf(
  member: quorate.internal.v1.NodeMember.$Properties | null | undefined,
): ClusterMember {
  const { id, name, peerUrls, clientUrls } = memberOf(member ?? {});
  if (id === 0n) throw new DecodeError("NodeMember", "a member id is never 0");
  return { id, name, peerUrls, clientUrls };
}

function memberId(id: WireInt64 | null | undefined): MemberId {
  return unsignedId(id ?? 0) as MemberId;
}
