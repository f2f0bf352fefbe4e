import { invariant } from "@quorate/base";
import type { Applier } from "../applier";
import type { InstallSnapshotMessage } from "../message";
import type { Member } from "../roles/member";
import type { Configuration, LogIndex, MemberId, SnapshotHead, Term } from "../types";

/**
 * "fetching" and "staged": it is on its way beside the state in use, and may be given up.
 * "writing": the log begins behind it in memory, and on disk once that write is durable.
 * "installing": it is the state for good, and is being put in its place.
 */
type Pending =
  | { readonly kind: "none" }
  | {
      readonly kind: "fetching" | "staged";
      readonly from: MemberId;
      readonly term: Term;
      readonly transfer: number;
      readonly snapshot: SnapshotHead;
    }
  | {
      readonly kind: "writing";
      readonly transfer: number;
      readonly snapshot: SnapshotHead;
      readonly writeId: number;
    }
  | { readonly kind: "installing"; readonly snapshot: SnapshotHead };

const NONE: Pending = { kind: "none" };

/**
 * The snapshot that this member gets instead of entries it misses. It outlives roles and terms: what a leader offered was
 * committed, so it stays true whoever leads. And it is newer than all that is known here to be committed, so it is also
 * taken if its configuration has no place for this member: then this one is removed, or is to be added only later in the log.
 * One at a time; the decision is the durable restart of the log, after which a
 * crash at any point ends in the snapshot's state.
 */
export class IncomingSnapshot {
  readonly #member: Member;
  readonly #applier: Applier;
  #pending: Pending = NONE;

  constructor(dependencies: { readonly member: Member; readonly applier: Applier }) {
    this.#member = dependencies.member;
    this.#applier = dependencies.applier;
  }

  /** Whether the state is damaged and nothing that will replace it is certain yet. */
  get isNeeded(): boolean {
    const { kind } = this.#pending;
    return !this.#member.stateIsWhole && kind !== "writing" && kind !== "installing";
  }

  /** This member leads: it has all that was ever committed. */
  abandon(): void {
    const pending = this.#pending;
    if (pending.kind !== "fetching" && pending.kind !== "staged") return;
    this.#pending = NONE;
    this.#member.notice({ kind: "discard-snapshot", transfer: pending.transfer });
  }

  /**
   * The leader of this term offers a snapshot. @returns The index up to which this member holds everything without it, which
   * settles the offer; `undefined` if the snapshot is needed.
   */
  offered(from: MemberId, message: InstallSnapshotMessage): LogIndex | undefined {
    const { log } = this.#member;
    const { snapshot, transfer, term } = message;
    if (this.#member.stateIsWhole) {
      if (snapshot.index > log.commit && log.contains(snapshot)) log.commitTo(snapshot.index);
      if (snapshot.index <= log.commit) return log.commit;
      // The log has lost entries that the state holds: a later view shows them, and the state goes on from there.
      if (snapshot.index < this.#applier.applied) return undefined;
    } else if (snapshot.index < log.compacted.index) {
      return undefined; // older than where the log begins: entries between the two would be missing
    }
    const pending = this.#pending;
    if (pending.kind === "writing" || pending.kind === "installing") return undefined;
    if (pending.kind === "staged") {
      this.#install(pending.transfer, pending.snapshot);
      return undefined;
    }
    if (pending.kind === "fetching") {
      if (term < pending.term) return undefined;
      // Of one leader, a lower number is an offer that was overtaken on the way.
      if (term === pending.term && transfer <= pending.transfer) return undefined;
      this.#member.notice({ kind: "discard-snapshot", transfer: pending.transfer });
    }
    this.#pending = { kind: "fetching", from, term, transfer, snapshot };
    this.#member.notice({ kind: "fetch-snapshot", from, transfer, snapshot });
    return undefined;
  }

  /** @param mayInstall Whether this member follows; otherwise it waits for the next offer. */
  staged(transfer: number, mayInstall: boolean): void {
    const pending = this.#pending;
    if (pending.kind !== "fetching" || pending.transfer !== transfer) return;
    if (mayInstall) this.#install(transfer, pending.snapshot);
    else this.#pending = { ...pending, kind: "staged" };
  }

  failed(transfer: number): void {
    if (this.#pending.kind === "fetching" && this.#pending.transfer === transfer) this.#pending = NONE;
  }

  /** More is durable. */
  persisted(): void {
    const pending = this.#pending;
    if (pending.kind !== "writing" || !this.#member.isDurable(pending.writeId)) return;
    const { transfer, snapshot } = pending;
    this.#pending = { kind: "installing", snapshot };
    this.#member.notice({ kind: "install-snapshot", transfer, index: snapshot.index });
  }

  /** @returns The configuration that counts from now on, as any other does from where it is applied. */
  installed(index: LogIndex): Configuration {
    const pending = this.#pending;
    invariant(
      pending.kind === "installing" && pending.snapshot.index === index,
      "only the snapshot that the log begins behind is installed",
      { index },
    );
    this.#pending = NONE;
    this.#applier.resume(index);
    this.#member.log.applied(index);
    this.#member.stateIsWhole = true;
    return pending.snapshot.configuration;
  }

  /** Meanwhile entries may have come in the ordinary way: then it is of no use any more. */
  #install(transfer: number, snapshot: SnapshotHead): void {
    const { log, stateIsWhole } = this.#member;
    const isBehind = stateIsWhole
      ? snapshot.index <= log.commit || log.contains(snapshot)
      : snapshot.index < log.compacted.index;
    if (isBehind) {
      this.#pending = NONE;
      this.#member.notice({ kind: "discard-snapshot", transfer });
      return;
    }
    // A damaged state loses nothing by keeping a log that agrees: entries behind it may be acknowledged.
    const restart = { snapshot, keepsEntries: log.contains(snapshot) };
    const writeId = this.#member.restartLog(restart);
    this.#applier.suspend();
    this.#member.stateIsWhole = false;
    this.#pending = { kind: "writing", transfer, snapshot, writeId };
  }
}
