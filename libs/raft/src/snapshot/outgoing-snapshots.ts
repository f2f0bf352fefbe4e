import type { Member } from "../roles/member";
import type { Peer } from "../tracker/peer";
import type { LogIndex, MemberId } from "../types";

/** On the leader: which followers are being sent a snapshot, from which view of the state. */
export class OutgoingSnapshots {
  readonly #member: Member;
  /** The views that the shell was asked to open and not to close. */
  readonly #open = new Map<MemberId, number>();

  constructor(dependencies: { readonly member: Member }) {
    this.#member = dependencies.member;
  }

  /** The view is gone without having been closed from here. */
  closed(to: MemberId, transfer: number): void {
    if (this.#open.get(to) === transfer) this.#open.delete(to);
  }

  /**
   * Opens views for those who need one and answer, offers what is open, and closes what nobody needs any more.
   *
   * @param peers The other members; nobody who was removed gets a snapshot.
   */
  flush(peers: ReadonlyMap<MemberId, Peer>, round: number): void {
    for (const [to, transfer] of this.#open) {
      const progress = peers.get(to)?.progress;
      if (progress?.state === "snapshot" && progress.transfer === transfer) continue;
      this.#open.delete(to);
      this.#member.notice({ kind: "close-snapshot", to, transfer });
    }
    for (const [to, peer] of peers) this.#serve(to, peer, round);
  }

  leave(): void {
    for (const [to, transfer] of this.#open) this.#member.notice({ kind: "close-snapshot", to, transfer });
    this.#open.clear();
  }

  #serve(to: MemberId, peer: Peer, round: number): void {
    const { progress } = peer;
    // Only after it has answered: for a member that is away, a view would be held and given up over and over.
    if (progress.state !== "snapshot" || !progress.answered) return;
    const { transfer, at } = progress;
    if (!this.#open.has(to)) {
      this.#open.set(to, transfer);
      this.#member.notice({ kind: "open-snapshot", to, transfer });
    }
    if (at === undefined) return;
    const { log, term } = this.#member;
    if (at.index < log.compacted.index) return peer.snapshotClosed(this.#member.nextForwardId());
    const chain = log.chainAt(at.index);
    if (chain === undefined) return log.want(at.index);
    const snapshot = { ...at, chain };
    this.#member.send(to, { kind: "install-snapshot", term, round, transfer, snapshot });
    peer.snapshotOffered();
  }
}

/** Up to where the log must stay for a member that answers. */
export function neededFrom(peer: Peer): { readonly index: LogIndex; readonly bySnapshot: boolean } {
  const { progress } = peer;
  if (progress.state === "snapshot" && progress.at !== undefined)
    return { index: progress.at.index, bySnapshot: true };
  return { index: peer.match, bySnapshot: false };
}
