import { assertNever } from "@quorate/base";
import {
  changeConfiguration,
  isJoint,
  membersOf,
  type Configuration,
  type ConfigurationChange,
  type ConfigurationError,
  type MemberId,
} from "@quorate/raft";
import { assertApplicable, CLUSTER_VERSION_MAX, SINCE } from "../cluster-version";
import type {
  ClusterMember,
  Membership,
  MembershipChange,
  MembershipError,
  MembershipRequest,
} from "./membership";

/** How many changes are remembered by their ids. They are rare, and a repetition comes within seconds. */
const REMEMBERED_CHANGES = 64;

export type MembershipResult =
  | { readonly ok: true; readonly membership: Membership }
  | { readonly ok: false; readonly error: MembershipError };

/**
 * What `request` makes of `membership`. Checks in etcd's order, so that a request with two faults is told the same.
 *
 * @param clusterVersionMax The highest cluster version that this build can apply.
 * @throws {UnsupportedVersionError} the cluster goes on with a higher one.
 */
export function changeMembership(
  membership: Membership,
  request: MembershipRequest,
  clusterVersionMax = CLUSTER_VERSION_MAX,
): MembershipResult {
  const { changeId, change } = request;
  if (changeId !== 0n && membership.changes.includes(changeId)) return { ok: true, membership };
  const result = changed(membership, change);
  if (result.ok) assertApplicable(result.membership.clusterVersion, clusterVersionMax);
  if (!result.ok || changeId === 0n) return result;
  const changes = [...membership.changes, changeId].slice(-REMEMBERED_CHANGES);
  return { ok: true, membership: { ...result.membership, changes } };
}

function changed(membership: Membership, change: MembershipChange): MembershipResult {
  if (change.kind === "found") return found(membership, change.clusterId, change.members);
  if (change.kind === "refound") return refound(membership, change.clusterId, change.member);
  if (!membership.founded) return failed("membership-unsettled");
  switch (change.kind) {
    case "add":
      return add(membership, change);
    case "promote":
      if (find(membership, change.id) === undefined) return failed("member-not-found");
      return reconfigured(membership, { kind: "promote", member: change.id });
    case "remove":
      if (find(membership, change.id) === undefined) return failed("member-not-found");
      return reconfigured(membership, { kind: "remove", member: change.id });
    case "replace":
      return replace(membership, change.id, change.by);
    case "update": {
      const member = find(membership, change.id);
      if (member === undefined) return failed("member-not-found");
      if (urlsInUse(membership, change.peerUrls, change.id)) return failed("peer-urls-exist");
      return { ok: true, membership: withMember(membership, { ...member, peerUrls: change.peerUrls }) };
    }
    case "publish": {
      const member = find(membership, change.id);
      if (member === undefined) return failed("member-not-found");
      const { name, clientUrls } = change;
      const published = { ...member, name, clientUrls, ...publishedVersion(membership, change) };
      return { ok: true, membership: withMember(membership, published) };
    }
    case "raise-version":
      if (change.version <= membership.clusterVersion) return { ok: true, membership };
      return { ok: true, membership: { ...membership, clusterVersion: change.version } };
    case "leave-joint":
      // Two leaders may both add it; the second finds it done.
      if (!isJoint(membership.configuration)) return { ok: true, membership };
      return reconfigured(membership, change);
    default:
      return assertNever(change);
  }
}

function found(
  membership: Membership,
  clusterId: bigint,
  members: readonly ClusterMember[],
): MembershipResult {
  if (membership.founded) return { ok: true, membership };
  if (members.length === 0) return failed("no-voters-left");
  const sorted = byId(members);
  const configuration: Configuration = { incoming: sorted.map(({ id }) => id), outgoing: [], learners: [] };
  return {
    ok: true,
    membership: { ...membership, founded: true, clusterId, members: sorted, configuration },
  };
}

/** Whatever was half done, and whoever was a member: what is left is one voter. */
function refound(membership: Membership, clusterId: bigint, member: ClusterMember): MembershipResult {
  const survivor = find(membership, member.id) ?? member;
  const others = membership.members.filter(({ id }) => id !== survivor.id).map(({ id }) => id);
  return {
    ok: true,
    membership: {
      ...membership,
      founded: true,
      clusterId,
      members: [survivor],
      removed: idsInOrder([...membership.removed.filter((id) => id !== survivor.id), ...others]),
      configuration: { incoming: [survivor.id], outgoing: [], learners: [] },
    },
  };
}

function add(
  membership: Membership,
  { member, learner, learnersMax }: Extract<MembershipChange, { kind: "add" }>,
): MembershipResult {
  if (membership.removed.includes(member.id)) return failed("member-not-found");
  if (find(membership, member.id) !== undefined) return failed("member-exists");
  if (urlsInUse(membership, member.peerUrls)) return failed("peer-urls-exist");
  if (learner && membership.configuration.learners.length >= learnersMax) return failed("too-many-learners");
  const kind = learner ? "add-learner" : "add-voter";
  return reconfigured(withMember(membership, member), { kind, member: member.id });
}

function replace(membership: Membership, id: MemberId, by: ClusterMember): MembershipResult {
  if (membership.removed.includes(by.id) || find(membership, id) === undefined)
    return failed("member-not-found");
  const known = find(membership, by.id);
  if (known === undefined && urlsInUse(membership, by.peerUrls)) return failed("peer-urls-exist");
  return reconfigured(withMember(membership, known ?? by), { kind: "replace", member: id, by: by.id });
}

/** Changes who votes. Whoever is nowhere in the configuration afterwards is removed. */
function reconfigured(membership: Membership, change: ConfigurationChange): MembershipResult {
  const result = changeConfiguration(membership.configuration, change);
  if (!result.ok) return failed(ERRORS[result.error]);
  const { configuration } = result;
  const staying = new Set(membersOf(configuration));
  const leaving = membership.members.filter(({ id }) => !staying.has(id)).map(({ id }) => id);
  return {
    ok: true,
    membership: {
      ...membership,
      configuration,
      members: membership.members.filter(({ id }) => staying.has(id)),
      removed: idsInOrder([...membership.removed, ...leaving]),
    },
  };
}

const ERRORS: Readonly<Record<ConfigurationError, MembershipError["code"]>> = {
  joint: "membership-unsettled",
  "not-joint": "membership-unsettled",
  "member-exists": "member-exists",
  "member-not-found": "member-not-found",
  "not-a-learner": "member-not-learner",
  "no-voters-left": "no-voters-left",
};

/** Members of the first cluster version would not note it, and the effect hash covers what is noted. */
function publishedVersion(
  { clusterVersion }: Membership,
  { clusterVersionMax }: Extract<MembershipChange, { kind: "publish" }>,
): Pick<ClusterMember, "clusterVersionMax"> {
  return clusterVersion >= SINCE.publishedVersions && clusterVersionMax > 0 ? { clusterVersionMax } : {};
}

function find(membership: Membership, id: MemberId): ClusterMember | undefined {
  return membership.members.find((member) => member.id === id);
}

function urlsInUse(membership: Membership, urls: readonly string[], except?: MemberId): boolean {
  return membership.members.some(
    ({ id, peerUrls }) => id !== except && peerUrls.some((url) => urls.includes(url)),
  );
}

function withMember(membership: Membership, member: ClusterMember): Membership {
  const others = membership.members.filter(({ id }) => id !== member.id);
  return { ...membership, members: byId([...others, member]) };
}

function byId(members: readonly ClusterMember[]): ClusterMember[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function idsInOrder(ids: readonly MemberId[]): MemberId[] {
  return [...ids].sort((a, b) => (a < b ? -1 : 1));
}

function failed(code: MembershipError["code"]): MembershipResult {
  return { ok: false, error: { code } };
}
