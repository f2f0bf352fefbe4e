import { assertNever } from "@quorate/base";
import type { HardState, LogIndex, LogRestart } from "@quorate/raft";
import type { LogStart } from "@quorate/storage";
import type { WalDamage } from "@quorate/storage-rocksdb";
import type { LogWriterBegun, LogWriterMessage, LogWriterReport } from "../actors/log-writer-actor";
import type { AnchorFindings } from "../start-up";
import { packEntries, unpackEntries, type PackedEntries } from "./packed-entries";
import type { Posted } from "./posted";

/** What crosses the port to the log-writer thread: its messages, with entries packed. */
export type PostedLogWriterMessage =
  | {
      readonly kind: "write";
      readonly id: number;
      readonly restart: LogRestart | undefined;
      readonly truncateFrom: LogIndex | undefined;
      readonly hardState: HardState | undefined;
      readonly packed: PackedEntries;
    }
  | Exclude<LogWriterMessage, { kind: "write" }>
  | { readonly kind: "close" };

export type PostedLogWriterReport =
  | ({ readonly kind: "started" } & LogFindings)
  | LogWriterBegun
  | { readonly kind: "start-failed"; readonly code: string; readonly message: string }
  | { readonly kind: "persisted"; readonly id: number }
  | { readonly kind: "fetched"; readonly packed: PackedEntries; readonly from: LogIndex }
  | Extract<LogWriterReport, { kind: "compacted" | "scrubbed" }>
  | { readonly kind: "closed" };

/** What the thread found when it opened the log: nothing is done with it before a `begin`. */
export interface LogFindings {
  readonly start: LogStart;
  readonly anchor: AnchorFindings;
  readonly damagedWal: readonly WalDamage[];
}

export function packLogWriterMessage(message: LogWriterMessage): Posted<PostedLogWriterMessage> {
  switch (message.kind) {
    case "write": {
      const { restart, truncateFrom, hardState, entries } = message.write;
      const packed = packEntries(entries);
      return {
        value: { kind: "write", id: message.id, restart, truncateFrom, hardState, packed },
        transfer: [packed.data.buffer],
      };
    }
    case "begin":
    case "promise":
    case "read":
    case "compact":
      return { value: message, transfer: [] };
    default:
      return assertNever(message);
  }
}

export function unpackLogWriterMessage(
  posted: Exclude<PostedLogWriterMessage, { kind: "close" }>,
): LogWriterMessage {
  if (posted.kind !== "write") return posted;
  const { id, restart, truncateFrom, hardState, packed } = posted;
  return { kind: "write", id, write: { restart, truncateFrom, hardState, entries: unpackEntries(packed) } };
}

export function packLogWriterReport(report: LogWriterReport | LogWriterBegun): Posted<PostedLogWriterReport> {
  if (report.kind !== "fetched") return { value: report, transfer: [] };
  const packed = packEntries(report.entries);
  return { value: { kind: "fetched", from: report.from, packed }, transfer: [packed.data.buffer] };
}

export function unpackLogWriterReport(
  posted: Extract<PostedLogWriterReport, { kind: "persisted" | "fetched" | "compacted" | "scrubbed" }>,
): LogWriterReport {
  if (posted.kind !== "fetched") return posted;
  return { kind: "fetched", from: posted.from, entries: unpackEntries(posted.packed) };
}
