import type { Actor, ActorRef } from "@quorate/actor";
import { assertNever } from "@quorate/base";
import type { Entry, LogIndex } from "@quorate/raft";
import type { LogStorage, LogWrite } from "@quorate/storage";

export type LogWriterMessage =
  /** Ids rise by one; completed in order. */
  | { readonly kind: "write"; readonly id: number; readonly write: LogWrite }
  | { readonly kind: "read"; readonly from: LogIndex; readonly to: LogIndex; readonly bytesMax: number };

export type LogWriterReport =
  /** The write with this id, and all before it, survive a power loss. */
  | { readonly kind: "persisted"; readonly id: number }
  | { readonly kind: "fetched"; readonly from: LogIndex; readonly entries: readonly Entry[] };

/**
 * The append lane: everything that arrived while the last sync ran shares the next one (group commit). It writes in the
 * order of arrival and reports only after the sync. A failed write is not caught here: it ends the thread, and with it the
 * process, because what reached the disk is unknown until the store is reopened.
 */
export class LogWriterActor implements Actor<LogWriterMessage> {
  #writes: LogWrite[] = [];
  #lastId = 0;

  constructor(
    private readonly dependencies: {
      readonly storage: LogStorage;
      readonly reports: ActorRef<LogWriterReport>;
    },
  ) {}

  receive(message: LogWriterMessage): void {
    switch (message.kind) {
      case "write":
        this.#writes.push(message.write);
        this.#lastId = message.id;
        return;
      case "read":
        this.#flush(); // what is read back may still be among the gathered writes
        return this.#read(message.from, message.to, message.bytesMax);
      default:
        return assertNever(message);
    }
  }

  turnEnded(): void {
    this.#flush();
  }

  #flush(): void {
    if (this.#writes.length === 0) return;
    const writes = this.#writes;
    this.#writes = [];
    this.dependencies.storage.append(writes);
    this.dependencies.reports.tell({ kind: "persisted", id: this.#lastId });
  }

  #read(from: LogIndex, to: LogIndex, bytesMax: number): void {
    const entries = this.dependencies.storage.read(from, to, bytesMax);
    this.dependencies.reports.tell({ kind: "fetched", from, entries });
  }
}
