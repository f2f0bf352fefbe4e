import { hexId, invariant, parseHexId, textOf, utf8 } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import type { StateBatch, StateView } from "../types";
import { UNFOUNDED, type ClusterMember, type Membership } from "./membership";

/*
 * The row "membership" of `meta`: JSON, small and rarely written, that an operator can read with any tool. Ids are in hex,
 * as JSON numbers would lose digits. Every member writes the same bytes: they are part of the effect hash.
 */
const MEMBERSHIP = utf8("membership");
const FORMAT = 1;

interface Row {
  readonly format: number;
  readonly cluster: string;
  readonly members: readonly (Omit<ClusterMember, "id"> & { readonly id: string })[];
  readonly removed: readonly string[];
  readonly incoming: readonly string[];
  readonly outgoing: readonly string[];
  readonly learners: readonly string[];
  readonly changes: readonly string[];
}

/** A store of before memberships were kept has none either: its cluster is founded by the next leader. */
export function loadMembership(view: StateView): Membership {
  const row = view.get("meta", MEMBERSHIP);
  return row === undefined ? UNFOUNDED : decodeMembership(row);
}

export function storeMembership(batch: StateBatch, membership: Membership): void {
  batch.put("meta", MEMBERSHIP, encodeMembership(membership));
}

/** @param membership A founded one. */
export function encodeMembership(membership: Membership): Uint8Array {
  const { clusterId, members, removed, configuration, changes } = membership;
  const row: Row = {
    format: FORMAT,
    cluster: hexId(clusterId),
    members: members.map(({ id, name, peerUrls, clientUrls }) => ({
      id: hexId(id),
      name,
      peerUrls,
      clientUrls,
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
  invariant(row.format === FORMAT, "the membership is of a format that this version knows", {
    format: row.format,
  });
  return {
    founded: true,
    clusterId: parseHexId(row.cluster),
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
