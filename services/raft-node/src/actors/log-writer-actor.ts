import type { Actor, ActorRef } from "@quorate/actor";
import { assertNever, type Clock } from "@quorate/base";
import type { Configuration, Entry, EntryId, HardState, LogIndex } from "@quorate/raft";
import type { LogCompacted, LogStorage, LogWrite } from "@quorate/storage";
import type { AnchorBeginning, AnchorKeeper } from "../anchor/anchor-keeper";
import { LogPass } from "../integrity/log-pass";
import { Scrub, type ScrubReport } from "../integrity/scrub";

/** The first message: how this start begins. `hardState` is what the log shall hold, if it does not. */
export interface LogWriterBegin extends Omit<AnchorBeginning, "term" | "vote"> {
  readonly kind: "begin";
  readonly hardState: HardState;
}

/** The answer to it: from now on this start can be told from every other one. */
export interface LogWriterBegun {
  readonly kind: "begun";
}

export type LogWriterMessage =
  | LogWriterBegin
  /** Ids rise by one; completed in order. */
  | { readonly kind: "write"; readonly id: number; readonly write: LogWrite }
  /** The log has lost entries up to `at`: the anchor shall tell so until they are back. */
  | { readonly kind: "promise"; readonly at: EntryId }
  | { readonly kind: "read"; readonly from: LogIndex; readonly to: LogIndex; readonly bytesMax: number }
  /** Removes the log up to `upTo`, in steps between the writes. A later one takes the place of an earlier one. */
  | { readonly kind: "compact"; readonly upTo: LogIndex; readonly configuration: Configuration };

export type LogWriterReport =
  /** The write with this id, and all before it, survive a power loss. */
  | { readonly kind: "persisted"; readonly id: number }
  | { readonly kind: "fetched"; readonly from: LogIndex; readonly entries: readonly Entry[] }
  /** The log begins behind `at`. */
  | ({ readonly kind: "compacted" } & LogCompacted)
  | ScrubReport;

export interface LogWriterOptions {
  /** Entries that one step of compaction removes, and the pause between steps in milliseconds, so that writes go on. */
  readonly compactionEntriesMax: number;
  readonly compactionPauseMs: number;
  /** Within how many milliseconds every entry is read once; `undefined`: only when it is needed. */
  readonly scrubIntervalMs?: number | undefined;
}

/**
 * The append lane: everything that arrived while the last sync ran shares the next one (group commit). It writes in the
 * order of arrival and reports only after the sync, and after the anchor knows what it must know by then. A failed write is not caught here: it ends the thread, and with it the
 * process, because what reached the disk is unknown until the store is reopened.
 */
export class LogWriterActor implements Actor<LogWriterMessage> {
  #writes: LogWrite[] = [];
  #lastId = 0;
  #compaction: Extract<LogWriterMessage, { kind: "compact" }> | undefined;
  #compacting = false;

  constructor(
    private readonly options: LogWriterOptions,
    private readonly dependencies: {
      readonly storage: LogStorage;
      readonly anchor: AnchorKeeper;
      readonly reports: ActorRef<LogWriterReport | LogWriterBegun>;
      readonly clock: Clock;
    },
  ) {
    const { scrubIntervalMs: intervalMs } = options;
    const { storage } = dependencies;
    if (intervalMs === undefined) return;
    new Scrub(
      { database: "log", intervalMs },
      { ...dependencies, begin: () => new LogPass(storage), bytes: () => storage.sizeBytes() },
    );
  }

  receive(message: LogWriterMessage): void {
    switch (message.kind) {
      case "begin":
        return this.#begin(message);
      case "promise":
        return this.dependencies.anchor.promise(message.at);
      case "write":
        this.#writes.push(message.write);
        this.#lastId = message.id;
        return;
      case "read":
        this.#flush(); // what is read back may still be among the gathered writes
        return this.#read(message.from, message.to, message.bytesMax);
      case "compact":
        this.#compaction = message;
        return this.#compactLater();
      default:
        return assertNever(message);
    }
  }

  turnEnded(): void {
    this.#flush();
  }

  #begin({ hardState, ...beginning }: LogWriterBegin): void {
    const { storage, anchor, reports } = this.dependencies;
    const { term, vote } = hardState;
    const { hardState: held } = storage.start;
    if (term !== held.term || vote !== held.vote)
      storage.append([{ truncateFrom: undefined, entries: [], hardState }]);
    anchor.begin({ ...beginning, term, vote });
    reports.tell({ kind: "begun" });
  }

  #flush(): void {
    if (this.#writes.length === 0) return;
    const writes = this.#writes;
    this.#writes = [];
    const { storage, anchor, reports } = this.dependencies;
    storage.append(writes);
    anchor.synced(writes);
    reports.tell({ kind: "persisted", id: this.#lastId });
    anchor.told();
  }

  #read(from: LogIndex, to: LogIndex, bytesMax: number): void {
    const entries = this.dependencies.storage.read(from, to, bytesMax);
    this.dependencies.reports.tell({ kind: "fetched", from, entries });
  }

  #compactLater(): void {
    if (this.#compacting) return;
    this.#compacting = true;
    this.dependencies.clock.setTimer(this.options.compactionPauseMs, () => {
      this.#compacting = false;
      this.#compact();
    });
  }

  #compact(): void {
    if (this.#compaction === undefined) return;
    const { upTo, configuration } = this.#compaction;
    const { storage, reports } = this.dependencies;
    const compacted = storage.compact(upTo, configuration, this.options.compactionEntriesMax);
    reports.tell({ kind: "compacted", ...compacted });
    if (compacted.at.index < upTo) this.#compactLater();
    else this.#compaction = undefined;
  }
}
