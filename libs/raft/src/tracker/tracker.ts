import { membersOf, quorumValue } from "../quorum/quorum";
import type { Configuration, LogIndex, MemberId } from "../types";
import type { InflightLimits } from "./inflights";
import { Peer } from "./peer";

/** Everyone a leader replicates to, and what a quorum of them has reached together with the leader itself. */
export class Tracker {
  readonly #self: MemberId;
  readonly #limits: InflightLimits;
  readonly #peers = new Map<MemberId, Peer>();
  /** Members that were removed, and the tick at which they are given up. */
  readonly #leaving = new Map<MemberId, number>();
  #configuration: Configuration;

  constructor(self: MemberId, configuration: Configuration, limits: InflightLimits, next: LogIndex) {
    this.#self = self;
    this.#limits = limits;
    this.#configuration = configuration;
    this.#addPeers(next, 0);
  }

  /** Everyone to replicate to. */
  get peers(): ReadonlyMap<MemberId, Peer> {
    return this.#peers;
  }

  /** `undefined` for a member that is not replicated to. */
  peer(member: MemberId): Peer | undefined {
    return this.#peers.get(member);
  }

  /** Those of them that are members still. */
  get members(): ReadonlyMap<MemberId, Peer> {
    if (this.#leaving.size === 0) return this.#peers;
    return new Map([...this.#peers].filter(([member]) => !this.#leaving.has(member)));
  }

  /**
   * Counts in another configuration from now on. Members that are not in it any more count for nothing, but are replicated to
   * until `leaveAt`: so they hear of their removal. Not if they need a snapshot, which is too much for that.
   *
   * @param round The newest round: check-quorum takes a new member for having answered it, since it had no time to.
   */
  reconfigure(configuration: Configuration, next: LogIndex, round: number, leaveAt: number): void {
    this.#configuration = configuration;
    const members = membersOf(configuration);
    for (const [member, { progress }] of this.#peers) {
      if (members.includes(member) || this.#leaving.has(member)) continue;
      if (progress.state === "snapshot") this.#peers.delete(member);
      else this.#leaving.set(member, leaveAt);
    }
    this.#addPeers(next, round);
  }

  /** Gives up members that have had their time to leave. */
  tick(tick: number): void {
    for (const [member, leaveAt] of this.#leaving) {
      if (tick < leaveAt) continue;
      this.#leaving.delete(member);
      this.#peers.delete(member);
    }
  }

  /** The last index that a quorum holds durably. @param durable What the leader itself has on disk, not its last index. */
  quorumMatch(durable: LogIndex): LogIndex {
    return this.#quorum(durable, (peer) => peer.match) as LogIndex;
  }

  /** The newest round that a quorum has answered; infinite if the leader is a quorum by itself. */
  quorumRound(): number {
    return this.#quorum(Infinity, (peer) => peer.ackedRound);
  }

  /** The same with the benefit of the doubt for members that have only just come. */
  quorumActiveRound(): number {
    return this.#quorum(Infinity, (peer) => Math.max(peer.ackedRound, peer.assumedRound));
  }

  /** The voter that holds most of the log and needs no snapshot, the leader not counted; `undefined` if there is none. */
  mostCaughtUpVoter(): MemberId | undefined {
    let best: MemberId | undefined;
    for (const member of this.#configuration.incoming) {
      const progress = this.#peers.get(member)?.progress;
      if (progress === undefined || progress.state === "snapshot") continue;
      if (best === undefined || progress.match > this.#peers.get(best)!.match) best = member;
    }
    return best;
  }

  #quorum(own: number, valueOf: (peer: Peer) => number): number {
    return quorumValue(this.#configuration, (member) => {
      if (member === this.#self) return own;
      const peer = this.#peers.get(member);
      return peer === undefined ? 0 : valueOf(peer);
    });
  }

  #addPeers(next: LogIndex, round: number): void {
    for (const member of membersOf(this.#configuration)) {
      if (member === this.#self) continue;
      if (!this.#peers.has(member)) this.#peers.set(member, new Peer(this.#limits, next, round));
      this.#leaving.delete(member);
    }
  }
}
