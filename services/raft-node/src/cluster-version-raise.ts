import type { ActorRef } from "@quorate/actor";
import { membersOf, type MemberId, type PeerStatus, type RaftStatus } from "@quorate/raft";
import type { Membership } from "@quorate/state-machine";
import type { RaftMessage } from "./actors/raft-actor";

/** What it looks at. */
interface LeaderStatus extends Pick<RaftStatus, "role" | "established"> {
  readonly peers: readonly Pick<PeerStatus, "member" | "active">[];
}

export interface ClusterVersionRaiseDependencies {
  readonly raft: ActorRef<RaftMessage>;
  readonly status: () => LeaderStatus;
  /** What the newest start of a member said that it can apply; `undefined` if it was not heard. */
  readonly heard: (member: MemberId) => number | undefined;
  /** As of the applied state. */
  readonly membership: Membership;
}

/**
 * On the leader: raises the cluster version once every member, voter or learner, can apply a higher one.
 *
 * What counts is what the running processes say, and only of members that answer: what a member has said or published
 * earlier is worth nothing once it may have been started anew with an older build. So until all members run the new build,
 * and answer, each of them can go back to the old one.
 */
export class ClusterVersionRaise {
  #membership: Membership;

  constructor(
    private readonly options: { readonly memberId: MemberId; readonly clusterVersionMax: number },
    private readonly dependencies: ClusterVersionRaiseDependencies,
  ) {
    this.#membership = dependencies.membership;
  }

  applied(membership: Membership): void {
    this.#membership = membership;
  }

  /** Raft refuses a proposal while another change is under way: then it is made again at the next tick. */
  tick(): void {
    const { raft, status } = this.dependencies;
    const { founded, clusterVersion, configuration } = this.#membership;
    if (!founded || clusterVersion >= this.options.clusterVersionMax) return;
    const { role, established, peers } = status();
    if (role !== "leader" || !established) return;
    const answering = new Set(peers.filter(({ active }) => active).map(({ member }) => member));
    const versions = membersOf(configuration).map((member) => this.#versionOf(member, answering));
    const version = Math.min(...versions);
    if (version > clusterVersion) raft.tell({ kind: "raise-cluster-version", version });
  }

  #versionOf(member: MemberId, answering: ReadonlySet<MemberId>): number {
    const { memberId, clusterVersionMax } = this.options;
    if (member === memberId) return clusterVersionMax;
    return answering.has(member) ? (this.dependencies.heard(member) ?? 0) : 0;
  }
}
