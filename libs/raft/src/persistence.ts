import { Deque, invariant } from "@quorate/base";
import type { LogRestart, RaftEffect } from "./effect";
import type { Entry, HardState, LogIndex } from "./types";

interface OutstandingWrite {
  readonly id: number;
  /** The last entry that this write makes durable and that no later truncation took back; 0 if it holds none. */
  validTo: LogIndex;
}

/**
 * What is on its way to disk. Changes of one turn gather in a draft and leave as one `persist`; several may be
 * outstanding and complete in order.
 *
 * Overtaken writes (append ABA): entry 5 of term 2 is being written when it is truncated for one of term 3. When the first
 * write completes, memory shows another entry 5, or even the same one again if a third leader put it back, but the disk is about
 * to lose it. So a truncation takes back the claims of all writes before it; durability is never judged by comparing terms.
 */
export class Persistence {
  #lastId = 0;
  #persistedId = 0;
  #durable: LogIndex;
  readonly #outstanding = new Deque<OutstandingWrite>();

  #draftEntries: Entry[] = [];
  #draftTruncateFrom: LogIndex | undefined;
  #draftHardState = false;
  #draftRestart: LogRestart | undefined;
  /** The last entry handed to the disk, counting the truncation in the draft as done. */
  #issuedLast: LogIndex;
  #issuedCommit: LogIndex;
  /** The write that carries the present term and vote. */
  #hardStateId = 0;
  /** Commits of configuration entries that are not durable, each with the write that makes it so. */
  readonly #unsettled = new Deque<{ readonly first: LogIndex; readonly writeId: number }>();

  constructor(last: LogIndex, hardState: HardState) {
    this.#durable = last;
    this.#issuedLast = last;
    this.#issuedCommit = hardState.commit;
  }

  /** Everything up to here is on disk and will stay there unless it is truncated. */
  get durable(): LogIndex {
    return this.#durable;
  }

  /** All writes up to this id are durable. */
  get persistedId(): number {
    return this.#persistedId;
  }

  /** The write after which all that the log holds now is durable. */
  get latestId(): number {
    return this.#draftIsEmpty ? this.#lastId : this.#lastId + 1;
  }

  /** The write after which the present term and vote are durable. */
  get hardStateId(): number {
    return this.#hardStateId;
  }

  append(entry: Entry): void {
    this.#draftEntries.push(entry);
  }

  truncateFrom(index: LogIndex): void {
    const drafted = this.#draftEntries[0]?.index;
    if (drafted !== undefined)
      this.#draftEntries.length = Math.min(this.#draftEntries.length, Math.max(0, index - drafted));
    if (index <= this.#issuedLast) {
      this.#draftTruncateFrom = index;
      this.#issuedLast = (index - 1) as LogIndex;
    }
    for (const write of this.#outstanding) write.validTo = Math.min(write.validTo, index - 1) as LogIndex;
    this.#durable = Math.min(this.#durable, index - 1) as LogIndex;
  }

  /** The log begins anew. Before this, what the draft held was taken: `restart` comes first in a write. */
  restart(restart: LogRestart): void {
    invariant(this.#draftIsEmpty, "a write begins with the restart of the log");
    this.#draftRestart = restart;
    if (restart.keepsEntries) return;
    const { index } = restart.snapshot;
    for (const write of this.#outstanding) write.validTo = 0 as LogIndex;
    this.#durable = 0 as LogIndex; // until the restart itself is durable
    this.#issuedLast = index;
  }

  /** Term or vote changed: nothing that reveals it may leave before the next write is durable. */
  hardStateChanged(): void {
    this.#draftHardState = true;
    this.#hardStateId = this.#lastId + 1;
  }

  /**
   * The commit index is worth a write of its own, because it covers configuration entries, of which `first` is the first. Until
   * it is durable `firstUnsettled` says so.
   */
  commitMatters(first: LogIndex): void {
    this.#draftHardState = true;
    this.#unsettled.push({ first, writeId: this.latestId });
  }

  /** The first configuration entry whose commit a crash would still take back, if there is one. */
  get firstUnsettled(): LogIndex | undefined {
    return this.#unsettled.peek()?.first;
  }

  /** The write of this turn, if there is something to write. A commit index travels along but is no reason to write. */
  take(hardState: HardState): RaftEffect | undefined {
    if (this.#draftIsEmpty) return undefined;
    const entries = this.#draftEntries;
    const last = entries[entries.length - 1]?.index;
    const restart = this.#draftRestart;
    const restarted = restart?.keepsEntries === false ? restart.snapshot.index : undefined;
    const withHardState = this.#draftHardState || hardState.commit !== this.#issuedCommit;
    const effect: RaftEffect = {
      kind: "persist",
      id: (this.#lastId += 1),
      restart,
      truncateFrom: this.#draftTruncateFrom,
      entries,
      hardState: withHardState ? hardState : undefined,
    };
    this.#outstanding.push({ id: this.#lastId, validTo: last ?? restarted ?? (0 as LogIndex) });
    this.#issuedLast = last ?? this.#issuedLast;
    this.#issuedCommit = hardState.commit;
    this.#draftEntries = [];
    this.#draftTruncateFrom = undefined;
    this.#draftHardState = false;
    this.#draftRestart = undefined;
    return effect;
  }

  /** The write `id` and all before it are durable. */
  complete(id: number): void {
    invariant(id <= this.#lastId, "only what was written becomes durable", { id, last: this.#lastId });
    for (let write = this.#outstanding.peek(); write !== undefined && write.id <= id;) {
      this.#outstanding.shift();
      this.#durable = Math.max(this.#durable, write.validTo) as LogIndex;
      this.#persistedId = write.id;
      write = this.#outstanding.peek();
    }
    while ((this.#unsettled.peek()?.writeId ?? Infinity) <= this.#persistedId) this.#unsettled.shift();
  }

  get #draftIsEmpty(): boolean {
    return (
      !this.#draftHardState &&
      this.#draftEntries.length === 0 &&
      this.#draftTruncateFrom === undefined &&
      this.#draftRestart === undefined
    );
  }
}
