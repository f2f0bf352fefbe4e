import { invariant, type Clock, type Timer } from "@quorate/base";
import { isAtLeast, type EntryId, type MemberId, type Term } from "@quorate/raft";
import type { Anchor, LogPosition, LogStorage, LogWrite } from "@quorate/storage";

export interface AnchorKeeperOptions {
  /** How far the anchor may lag behind the log, in milliseconds and in entries; whichever is reached first ends it. */
  readonly lagMsMax: number;
  readonly lagEntriesMax: number;
  /** It never lags: it is written before anything is acknowledged. One more sync for each turn of the log writer. */
  readonly strict: boolean;
}

/** What a start of the member begins with, once it is decided that it may. */
export interface AnchorBeginning {
  readonly incarnation: number;
  readonly term: Term;
  readonly vote: MemberId | undefined;
  /** In repair mode: what the log must hold again before the anchor may follow it. */
  readonly promised: { readonly at: EntryId; readonly chain: number | undefined } | undefined;
}

/**
 * Keeps the anchor of a log up to date. Holds: it is written only after the sync that it describes, and it tells a new term
 * or vote before anybody else is told. In repair mode it goes on telling what was lost, which is how that mode outlives
 * a restart.
 */
export class AnchorKeeper {
  #beginning: AnchorBeginning | undefined;
  #term = 0 as Term;
  #vote: MemberId | undefined;
  #promised: AnchorBeginning["promised"];
  /** Entries and cuts that the anchor does not know of. */
  #lag = 0;
  #timer: Timer | undefined;

  constructor(
    private readonly options: AnchorKeeperOptions,
    private readonly dependencies: {
      readonly anchor: Anchor;
      readonly storage: Pick<LogStorage, "start" | "last" | "markAnchored">;
      readonly clock: Clock;
    },
  ) {}

  /** To be called once, before anything is written or answered. */
  begin(beginning: AnchorBeginning): void {
    const { storage } = this.dependencies;
    this.#beginning = beginning;
    this.#term = beginning.term;
    this.#vote = beginning.vote;
    this.#promised = beginning.promised;
    this.#write();
    if (!storage.start.anchored) storage.markAnchored();
  }

  /** The log turns out to lack what it once held. */
  promise(at: EntryId): void {
    this.#promised = { at, chain: undefined };
    this.#write();
  }

  /** `writes` are durable, and nobody was told yet. @throws {StorageWriteError} */
  synced(writes: readonly LogWrite[]): void {
    invariant(this.#beginning !== undefined, "a start begins before it writes");
    let isDue = this.options.strict;
    for (const { hardState, restart, truncateFrom, entries } of writes) {
      this.#lag += entries.length + (truncateFrom === undefined ? 0 : 1);
      // A log that begins anew may be behind the old one, which would look like a loss.
      if (restart !== undefined) isDue = true;
      if (hardState === undefined) continue;
      if (hardState.term === this.#term && hardState.vote === this.#vote) continue;
      this.#term = hardState.term;
      this.#vote = hardState.vote;
      isDue = true;
    }
    if (isDue) this.#write();
  }

  /** Those who waited for the writes know. */
  told(): void {
    if (this.#lag === 0) return;
    if (this.#lag >= this.options.lagEntriesMax) return this.#write();
    this.#timer ??= this.dependencies.clock.setTimer(this.options.lagMsMax, () => this.#write());
  }

  /** An orderly end: nothing is left behind. Also of a start that was not allowed to begin. */
  [Symbol.dispose](): void {
    if (this.#lag > 0) this.#write();
    this.dependencies.anchor[Symbol.dispose]();
  }

  #write(): void {
    const { anchor, storage } = this.dependencies;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#lag = 0;
    const { clusterId, memberId } = storage.start.identity;
    const { incarnation } = this.#beginning!;
    const { at, chain } = this.#position(storage.last);
    anchor.write({ clusterId, memberId, incarnation, term: this.#term, vote: this.#vote, last: at, chain });
  }

  #position(last: LogPosition): NonNullable<AnchorBeginning["promised"]> {
    if (this.#promised !== undefined && isAtLeast(last.at, this.#promised.at)) this.#promised = undefined;
    return this.#promised ?? last;
  }
}
