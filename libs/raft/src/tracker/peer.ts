import { invariant } from "@quorate/base";
import type { LogIndex, StateView } from "../types";
import { type InflightLimits, Inflights } from "./inflights";

/**
 * What the leader knows of a member's log: it holds everything up to `match` durably, and `next` is sent next.
 *
 * "probe": where the logs part is being looked for, one message at a time; paused while its answer is outstanding.
 * "replicate": they agree, and appends are pipelined within a window.
 * "snapshot": it needs the entry at `next`, which is gone, and is offered the view of the state named `transfer`; nothing
 * else is sent. `at` is what the view shows, once it is open.
 */
export type Progress =
  | { readonly state: "probe"; match: LogIndex; next: LogIndex; paused: boolean }
  | { readonly state: "replicate"; match: LogIndex; next: LogIndex; readonly inflights: Inflights }
  | {
      readonly state: "snapshot";
      match: LogIndex;
      readonly next: LogIndex;
      readonly transfer: number;
      readonly at: StateView | undefined;
      /** Whether it has answered something since it was last offered the snapshot. */
      answered: boolean;
    };

/** Another member, as its leader sees it. Holds: next > match, and match only rises within an incarnation of it. */
export class Peer {
  readonly #limits: InflightLimits;
  #progress: Progress;
  #ackedRound = 0;
  #commitSent = 0 as LogIndex;
  #nudged = false;

  /**
   * The round that was the newest when this member came to be replicated to. Check-quorum takes it for answered, once: the
   * member had no time to answer one. Nothing else does.
   */
  readonly assumedRound: number;

  constructor(limits: InflightLimits, next: LogIndex, assumedRound: number) {
    this.#limits = limits;
    this.assumedRound = assumedRound;
    this.#progress = { state: "probe", match: 0 as LogIndex, next, paused: false };
  }

  get progress(): Readonly<Progress> {
    return this.#progress;
  }

  get match(): LogIndex {
    return this.#progress.match;
  }

  get next(): LogIndex {
    return this.#progress.next;
  }

  /** The newest round of this leadership that the member has answered: it was not in a newer term when that was sent. */
  get ackedRound(): number {
    return this.#ackedRound;
  }

  /** Whether it is known to hold the log up to `last` and needs nothing else: a damaged state is none to lead with. */
  holdsAll(last: LogIndex): boolean {
    return this.#progress.state !== "snapshot" && this.#progress.match === last;
  }

  /** Whether entries may be sent now. */
  get ready(): boolean {
    const progress = this.#progress;
    if (progress.state === "probe") return !progress.paused;
    return progress.state === "replicate" && !progress.inflights.full;
  }

  /** Whether an append is due although there may be no entries for it: to find the match, or what was lost. */
  get mustAsk(): boolean {
    if (this.#progress.state === "probe") return !this.#progress.paused;
    return this.#progress.state === "replicate" && this.#nudged;
  }

  /** Whether an append without entries would tell it of a commit that it does not know. */
  missesCommit(commit: LogIndex): boolean {
    return (
      this.#progress.state === "replicate" && Math.min(commit, this.#progress.next - 1) > this.#commitSent
    );
  }

  answeredRound(round: number): void {
    this.#ackedRound = Math.max(this.#ackedRound, round);
  }

  /**
   * A heartbeat was answered: the way is open, so what is still unanswered may have been lost. A probe is repeated. In
   * replicate state the next append, empty if need be, is rejected if there is a hole before it, and that ends in a
   * probe. Unlike a timer this needs no guess about the round trip. The offer of a snapshot is repeated.
   */
  heartbeatAnswered(last: LogIndex): void {
    if (this.#progress.state === "probe") this.#progress.paused = false;
    else if (this.#progress.state === "snapshot") this.#progress.answered = true;
    else if (this.#progress.match < last) this.#nudged = true;
  }

  /** An append was sent: `count` entries of `bytes` from `next` on. */
  appended(count: number, bytes: number, commit: LogIndex): void {
    const last = (this.#progress.next + count - 1) as LogIndex;
    this.#nudged = false;
    invariant(this.#progress.state !== "snapshot", "no entries are sent while a snapshot is needed");
    if (this.#progress.state === "probe") {
      this.#progress.paused = true;
      return;
    }
    if (count > 0) this.#progress.inflights.add(last, bytes);
    this.#progress.next = (last + 1) as LogIndex;
    this.#commitSent = Math.max(this.#commitSent, Math.min(commit, last)) as LogIndex;
  }

  /** The member holds everything up to `match`; late and repeated answers change nothing. */
  accepted(match: LogIndex): void {
    const progress = this.#progress;
    progress.match = Math.max(progress.match, match) as LogIndex;
    if (progress.state === "snapshot" && progress.match < progress.next) return;
    if (progress.state !== "replicate") {
      const inflights = new Inflights(this.#limits);
      const next = (progress.match + 1) as LogIndex;
      this.#progress = { state: "replicate", match: progress.match, next, inflights };
      this.#commitSent = 0 as LogIndex;
      return;
    }
    progress.inflights.freeUpTo(match);
    progress.next = Math.max(progress.next, progress.match + 1) as LogIndex;
    invariant(progress.next > progress.match, "next is above match");
  }

  /**
   * The member has not the entry at `previous`.
   *
   * @param couldMatch The last index at which its log could agree with the leader's.
   */
  rejected(previous: LogIndex, couldMatch: LogIndex): void {
    const progress = this.#progress;
    if (progress.state === "snapshot") return;
    if (progress.state === "replicate") {
      if (previous > progress.match) this.probe(); // else stale: it has that entry by now
      return;
    }
    if (previous !== progress.next - 1 || previous <= progress.match) return; // the answer to an older probe
    progress.next = Math.max(progress.match + 1, Math.min(previous, couldMatch + 1)) as LogIndex;
    progress.paused = false;
  }

  /** What is in flight may be lost: look again where the logs part, from what is certain. */
  probe(): void {
    if (this.#progress.state !== "replicate") return;
    const { match } = this.#progress;
    this.#progress = { state: "probe", match, next: (match + 1) as LogIndex, paused: false };
    this.#nudged = false;
  }

  /** It needs entries that are gone, or its state is damaged. @param next The first entry that it needs. */
  needSnapshot(transfer: number, next: LogIndex): void {
    if (this.#progress.state === "snapshot") return;
    const { match } = this.#progress;
    this.#progress = { state: "snapshot", match, next, transfer, at: undefined, answered: false };
    this.#nudged = false;
  }

  /** The view `transfer` is open and shows the state after `at`. */
  snapshotOpened(transfer: number, at: StateView): void {
    const progress = this.#progress;
    if (progress.state === "snapshot" && progress.transfer === transfer) this.#progress = { ...progress, at };
  }

  snapshotOffered(): void {
    if (this.#progress.state === "snapshot") this.#progress.answered = false;
  }

  /** The view is gone before the member had all of it: another one is opened once it answers again. */
  snapshotClosed(nextTransfer: number): void {
    const progress = this.#progress;
    if (progress.state !== "snapshot") return;
    this.#progress = { ...progress, transfer: nextTransfer, at: undefined, answered: false };
  }

  /** The member was restarted and may have lost what it had not synced: nothing is known of it any more. */
  restarted(next: LogIndex): void {
    this.#progress = { state: "probe", match: 0 as LogIndex, next, paused: false };
    this.#ackedRound = 0;
    this.#commitSent = 0 as LogIndex;
    this.#nudged = false;
  }
}
