import { hexId, parseHexId, textOf, utf8 } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import type { StateBatch, StateView } from "../types";
import { assertApplicable, assertKnownFormat, CLUSTER_VERSION_FIRST } from "../cluster-version";
import { UNFOUNDED, type ClusterMember, type Membership } from "./membership";

/*
 * The row "membership" of `meta`: JSON, small and rarely written, that an operator can read with any tool. Ids are in hex,
 * as JSON numbers would lose digits. Every member writes the same bytes: they are part of the effect hash.
 *
 * Format 1 is that of a cluster at version 1, and knows no version. Format 2 has it; builds that apply version 1 alone refuse
 * to open it.
 */
const MEMBERSHIP = utf8("membership");
const FORMAT_WITHOUT_VERSION = 1;
const FORMAT = 2;

interface Row {
  readonly format: number;
  readonly cluster: string;
  readonly clusterVersion?: number;
  readonly members: readonly (Omit<ClusterMember, "id"> & { readonly id: string })[];
  readonly removed: readonly string[];
  readonly incoming: readonly string[];
  readonly outgoing: readonly string[];
  readonly learners: readonly string[];
  readonly changes: readonly string[];
}

/**
 * A store of before memberships were kept has none either: its cluster is founded by the next leader.
 *
 * @throws {UnsupportedVersionError} its cluster is at a version above `clusterVersionMax`.
 */
export function loadMembership(view: StateView, clusterVersionMax: number): Membership {
  const row = view.get("meta", MEMBERSHIP);
  if (row === undefined) return UNFOUNDED;
  const membership = decodeMembership(row);
  assertApplicable(membership.clusterVersion, clusterVersionMax);
  return membership;
}

export function storeMembership(batch: StateBatch, membership: Membership): void {
  batch.put("meta", MEMBERSHIP, encodeMembership(membership));
}

/** @param membership A founded one. */
export function encodeMembership(membership: Membership): Uint8Array {
  const { clusterId, clusterVersion, members, removed, configuration, changes } = membership;
  const isFirst = clusterVersion === CLUSTER_VERSION_FIRST;
  const row: Row = {
    format: isFirst ? FORMAT_WITHOUT_VERSION : FORMAT,
    cluster: hexId(clusterId),
    ...(isFirst ? {} : { clusterVersion }),
    members: members.map(({ id, name, peerUrls, clientUrls, clusterVersionMax }) => ({
      id: hexId(id),
      name,
      peerUrls,
      clientUrls,
      ...(clusterVersionMax === undefined ? {} : { clusterVersionMax }),
    })),
    removed: removed.map(hexId),
    incoming: configuration.incoming.map(hexId),
    outgoing: configuration.outgoing.map(hexId),
    learners: configuration.learners.map(hexId),
    changes: changes.map(hexId),
  };
  return utf8(JSON.stringify(row));
}

export function decodeMembership(bytes: Uint8Array): Membership {
  const row = JSON.parse(textOf(bytes)) as Row;
  assertKnownFormat("the membership", row.format, FORMAT);
  return {
    founded: true,
    clusterId: parseHexId(row.cluster),
    clusterVersion: row.clusterVersion ?? CLUSTER_VERSION_FIRST,
    members: row.members.map((member) => ({ ...member, id: memberId(member.id) })),
    removed: row.removed.map(memberId),
    configuration: {
      incoming: row.incoming.map(memberId),
      outgoing: row.outgoing.map(memberId),
      learners: row.learners.map(memberId),
    },
    changes: row.changes.map(parseHexId),
  };
}

function memberId(text: string): MemberId {
  return parseHexId(text) as MemberId;
}
