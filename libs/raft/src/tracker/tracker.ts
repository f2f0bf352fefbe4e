import { membersOf, quorumValue } from "../quorum/quorum";
import type { Configuration, LogIndex, MemberId } from "../types";
import type { InflightLimits } from "./inflights";
import { Peer } from "./peer";

/** Everyone a leader replicates to, and what a quorum of them has reached together with the leader itself. */
export class Tracker {
  readonly #self: MemberId;
  readonly #configuration: Configuration;
  readonly #peers = new Map<MemberId, Peer>();

  constructor(self: MemberId, configuration: Configuration, limits: InflightLimits, next: LogIndex) {
    this.#self = self;
    this.#configuration = configuration;
    for (const member of membersOf(configuration)) {
      if (member !== self) this.#peers.set(member, new Peer(limits, next));
    }
  }

  get peers(): ReadonlyMap<MemberId, Peer> {
    return this.#peers;
  }

  /** `undefined` for a member that is not in the configuration. */
  peer(member: MemberId): Peer | undefined {
    return this.#peers.get(member);
  }

  /** The last index that a quorum holds durably. @param durable What the leader itself has on disk, not its last index. */
  quorumMatch(durable: LogIndex): LogIndex {
    const value = (member: MemberId): number =>
      member === this.#self ? durable : (this.#peers.get(member)?.match ?? 0);
    return quorumValue(this.#configuration, value) as LogIndex;
  }

  /** The newest round that a quorum has answered; infinite if the leader is a quorum by itself. */
  quorumRound(): number {
    const value = (member: MemberId): number =>
      member === this.#self ? Infinity : (this.#peers.get(member)?.ackedRound ?? 0);
    return quorumValue(this.#configuration, value);
  }
}
