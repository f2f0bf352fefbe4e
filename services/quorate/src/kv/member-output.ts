import { hexId } from "@quorate/base";
import type { Member, MemberAddition, MembershipChange, MemberStatus } from "@quorate/client";
import { fieldLines, jsonLine, table, textLine, withoutZeros, type OutputFormat } from "./output-format";

/** JSON and fields as of `etcdctl endpoint status`, but for the endpoint: over a broker there is none. */
export function renderStatus(status: MemberStatus, format: OutputFormat): Uint8Array {
  switch (format) {
    case "json":
      return jsonLine([{ Status: statusJson(status) }]);
    case "fields":
      return fieldLines([
        ["ClusterID", status.clusterId],
        ["MemberID", status.memberId],
        ["Revision", status.revision],
        ["RaftTerm", status.term],
        ["Version", status.version],
        ["StorageVersion", status.storageVersion],
        ["DBSize", status.sizeBytes],
        ["Leader", status.leaderId],
        ["IsLearner", status.isLearner],
        ["RaftIndex", status.raftIndex],
        ["RaftTerm", status.term],
        ["RaftAppliedIndex", status.appliedIndex],
        ...status.errors.map((error) => ["Error", error] as const),
      ]);
    case "simple":
      return textLine(
        statusRows(status)
          .map(([field, value]) => `${field!.padEnd(13)} ${value!}`)
          .join("\n"),
      );
    case "table":
      return table(["FIELD", "VALUE"], statusRows(status));
  }
}

export function renderMembers(members: readonly Member[], format: OutputFormat): Uint8Array {
  switch (format) {
    case "json":
      return jsonLine({ members: members.map(memberJson) });
    case "fields":
      return fieldLines(members.flatMap(memberFields));
    case "simple":
      return textLine(
        members
          .map(memberRow)
          .map((row) => row.join(", "))
          .join("\n"),
      );
    case "table":
      return table(
        ["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"],
        members.map(memberRow),
      );
  }
}

/** The first line is etcdctl's. The variables are for the raft-node; name, broker and directory of the cluster are not known here. */
export function renderAddition(name: string, added: MemberAddition, format: OutputFormat): Uint8Array {
  const { header, member } = added;
  if (format !== "simple") return renderChange(member.id, "", added, format, member);
  return textLine(
    [
      `Member ${padded(member.id)} added${member.isLearner ? " as learner" : ""} to cluster ${padded(header.clusterId)}`,
      "",
      `QUORATE_NAME="${name}"`,
      `QUORATE_MEMBER_ID="${hexId(member.id)}"`,
      `QUORATE_CLUSTER_ID="${hexId(header.clusterId)}"`,
      `QUORATE_INITIAL_CLUSTER_STATE="join"`,
    ].join("\n"),
  );
}

/** @param done What has been done to the member, as etcdctl puts it. */
export function renderChange(
  id: bigint,
  done: string,
  { header, members }: MembershipChange,
  format: OutputFormat,
  member?: Member,
): Uint8Array {
  const headerJson = { cluster_id: header.clusterId, member_id: header.memberId, raft_term: header.term };
  switch (format) {
    case "json":
      return jsonLine({
        header: headerJson,
        member: member === undefined ? undefined : memberJson(member),
        members: members.map(memberJson),
      });
    case "fields":
      return fieldLines([
        ["ClusterID", header.clusterId],
        ["MemberID", header.memberId],
        ["RaftTerm", header.term],
        ...members.flatMap(memberFields),
      ]);
    case "simple":
      return textLine(`Member ${padded(id)} ${done} cluster ${padded(header.clusterId)}`);
    case "table":
      return renderMembers(members, format);
  }
}

/** Sixteen places, as etcdctl has it. */
function padded(id: bigint): string {
  return hexId(id).padStart(16, " ");
}

function statusJson(status: MemberStatus): ReturnType<typeof withoutZeros> {
  return withoutZeros({
    header: {
      cluster_id: status.clusterId,
      member_id: status.memberId,
      revision: status.revision,
      raft_term: status.term,
    },
    version: status.version,
    storageVersion: status.storageVersion,
    dbSize: status.sizeBytes,
    leader: status.leaderId,
    raftIndex: status.raftIndex,
    raftTerm: status.term,
    raftAppliedIndex: status.appliedIndex,
    isLearner: status.isLearner,
    errors: status.errors,
  });
}

function statusRows(status: MemberStatus): string[][] {
  return [
    ["member", hexId(status.memberId)],
    ["cluster", hexId(status.clusterId)],
    ["leader", status.leaderId === 0n ? "none" : hexId(status.leaderId)],
    ["revision", String(status.revision)],
    ["term", String(status.term)],
    ["raft index", String(status.raftIndex)],
    ["applied index", String(status.appliedIndex)],
    ["size", `${status.sizeBytes} bytes`],
    ["version", status.version],
    ["storage", status.storageVersion],
    ["learner", String(status.isLearner)],
    ["errors", status.errors.join("; ") || "none"],
  ];
}

function memberJson({ id, name, peerUrls, clientUrls, isLearner }: Member): ReturnType<typeof withoutZeros> {
  return withoutZeros({ ID: id, name, peerURLs: peerUrls, clientURLs: clientUrls, isLearner });
}

function memberFields(member: Member): [string, string | bigint | boolean][] {
  return [
    ["ID", member.id],
    ["Name", member.name],
    ...member.peerUrls.map((url): [string, string] => ["PeerURL", url]),
    ...member.clientUrls.map((url): [string, string] => ["ClientURL", url]),
    ["IsLearner", member.isLearner],
  ];
}

function memberRow(member: Member): string[] {
  return [
    hexId(member.id),
    member.name === "" ? "unstarted" : "started",
    member.name,
    member.peerUrls.join(" "),
    member.clientUrls.join(" "),
    String(member.isLearner),
  ];
}
