import type { Configuration, MemberId } from "@quorate/raft";
import { CLUSTER_VERSION_FIRST } from "../cluster-version";

/** What the cluster knows of a member beside its vote. */
export interface ClusterMember {
  /** Random, and used once for ever. */
  readonly id: MemberId;
  /** Empty until somebody has told it. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  /** The highest cluster version that it can apply, if it has published that; see `SINCE.publishedVersions`. */
  readonly clusterVersionMax?: number;
}

/**
 * The replicated membership. Who votes and who learns is in `configuration` alone; while that is joint, members of its
 * outgoing half are members still.
 */
export interface Membership {
  /** False until the first leader has written down with whom the cluster began. */
  readonly founded: boolean;
  readonly clusterId: bigint;
  /** By which rules entries are applied; never falls. See `cluster-version.ts`. */
  readonly clusterVersion: number;
  /** Ascending by id. */
  readonly members: readonly ClusterMember[];
  /** Ascending. Remembered for ever: a removed member never comes back under its id. */
  readonly removed: readonly MemberId[];
  readonly configuration: Configuration;
  /** Ids of the newest changes, oldest first: a change that arrives again does nothing. */
  readonly changes: readonly bigint[];
}

/** Of a store to which no founding was applied. */
export const UNFOUNDED: Membership = {
  founded: false,
  clusterId: 0n,
  clusterVersion: CLUSTER_VERSION_FIRST,
  members: [],
  removed: [],
  configuration: { incoming: [], outgoing: [], learners: [] },
  changes: [],
};

/** A change of the membership as the log holds it. */
export interface MembershipRequest {
  /** Random 64 bits, drawn by who proposes; 0 for what is harmless to repeat. */
  readonly changeId: bigint;
  readonly change: MembershipChange;
}

export type MembershipChange =
  /** With whom the cluster began, all of them voters. Does nothing if that is known. */
  | { readonly kind: "found"; readonly clusterId: bigint; readonly members: readonly ClusterMember[] }
  | {
      readonly kind: "add";
      readonly member: ClusterMember;
      readonly learner: boolean;
      /** Refused if there are that many learners already. The proposer's option, so that all members judge alike. */
      readonly learnersMax: number;
    }
  | { readonly kind: "promote"; readonly id: MemberId }
  | { readonly kind: "remove"; readonly id: MemberId }
  /** `by` takes the place of the voter `id`: a new member, or a learner. Done when "leave-joint" is applied. */
  | { readonly kind: "replace"; readonly id: MemberId; readonly by: ClusterMember }
  | { readonly kind: "update"; readonly id: MemberId; readonly peerUrls: readonly string[] }
  /** What a member says of itself. */
  | {
      readonly kind: "publish";
      readonly id: MemberId;
      readonly name: string;
      readonly clientUrls: readonly string[];
      /** The highest cluster version that it can apply; 0: it does not say. */
      readonly clusterVersionMax: number;
    }
  /**
   * A majority is gone for good: the cluster begins anew, as cluster `clusterId`, with this one member. Never proposed: an
   * operator has it written into the log of the survivor, which then counts as committed.
   */
  | { readonly kind: "refound"; readonly clusterId: bigint; readonly member: ClusterMember }
  /** What a leader adds once every member can apply it. */
  | { readonly kind: "raise-version"; readonly version: number }
  /** What a leader adds after "replace". */
  | { readonly kind: "leave-joint" };

export type MembershipError =
  | { readonly code: "member-exists" }
  | { readonly code: "peer-urls-exist" }
  | { readonly code: "member-not-found" }
  | { readonly code: "member-not-learner" }
  | { readonly code: "too-many-learners" }
  /** Nobody could decide anything any more. */
  | { readonly code: "no-voters-left" }
  /** Another change is half done, or the cluster is not founded; a leader refuses such proposals. */
  | { readonly code: "membership-unsettled" };

export function isLearner(membership: Membership, id: MemberId): boolean {
  return membership.configuration.learners.includes(id);
}
