import { assertNever } from "@quorate/base";
import type { Term } from "@quorate/raft";
import type { AppliedPosition, Membership, StoreCondition } from "@quorate/state-machine";
import type { ApplierMessage, ApplierReport } from "../actors/applier-actor";
import type { Owed } from "../proposals";
import { packEntries, unpackEntries, type PackedEntries } from "./packed-entries";
import { packLeases, unpackLeases, type PackedLeases } from "./packed-leases";
import type { Posted } from "./posted";

/** What crosses the port to the applier thread: its messages, with entries packed. */
export type PostedApplierMessage =
  | {
      readonly kind: "apply";
      readonly raftTerm: Term;
      readonly answered: readonly Owed[];
      readonly packed: PackedEntries;
    }
  | Exclude<ApplierMessage, { kind: "apply" }>
  | { readonly kind: "close" };

export type PostedApplierReport =
  | {
      readonly kind: "started";
      readonly position: AppliedPosition;
      readonly membership: Membership;
      readonly condition: StoreCondition;
    }
  | { readonly kind: "start-failed"; readonly code: string; readonly message: string }
  | Exclude<ApplierReport, { kind: "lease-list" }>
  | { readonly kind: "lease-list"; readonly term: Term; readonly packed: PackedLeases }
  | { readonly kind: "closed" };

export function packApplierMessage(message: ApplierMessage): Posted<PostedApplierMessage> {
  switch (message.kind) {
    case "apply": {
      const packed = packEntries(message.entries);
      const { raftTerm, answered } = message;
      return { value: { kind: "apply", raftTerm, answered, packed }, transfer: [packed.data.buffer] };
    }
    case "feed":
      return { value: message, transfer: [] };
    case "read":
    case "history":
      // The request was copied out of the receive buffer into memory of its own, which moves.
      return { value: message, transfer: [message.request.buffer as ArrayBuffer] };
    case "lease-list":
    case "lease-keys":
    case "maintenance":
    case "snapshot-open":
    case "snapshot-close":
    case "snapshot-read":
    case "snapshot-stage":
    case "snapshot-discard":
    case "snapshot-install":
    case "backup-read":
    case "backup-close":
      return { value: message, transfer: [] };
    case "snapshot-write":
      return { value: message, transfer: [message.chunk.buffer as ArrayBuffer] };
    default:
      return assertNever(message);
  }
}

export function unpackApplierMessage(
  posted: Exclude<PostedApplierMessage, { kind: "close" }>,
): ApplierMessage {
  if (posted.kind !== "apply") return posted;
  const { raftTerm, answered, packed } = posted;
  return { kind: "apply", raftTerm, answered, entries: unpackEntries(packed) };
}

/** Responses are encoded into memory of their own and move too; views into a larger buffer would clone all of it. */
export function packApplierReport(report: ApplierReport): Posted<PostedApplierReport> {
  switch (report.kind) {
    case "applied":
    case "applied-durably":
    case "store-compacted":
    case "scrubbed":
    case "snapshot-opened":
    case "snapshot-closed":
    case "snapshot-written":
    case "snapshot-staged":
    case "snapshot-rejected":
    case "snapshot-installed":
      return { value: report, transfer: [] };
    case "snapshot-chunk":
    case "backup-chunk":
      // A copy, always: the view keeps the chunk in case it is asked for again.
      return { value: report, transfer: [] };
    case "answers": {
      const answers = report.answers.map((answer) => ({ ...answer, response: own(answer.response) }));
      return {
        value: { kind: "answers", answers },
        transfer: answers.map((answer) => answer.response.buffer),
      };
    }
    case "read-result": {
      const response = own(report.response);
      return { value: { kind: "read-result", id: report.id, response }, transfer: [response.buffer] };
    }
    case "lease-list": {
      const packed = packLeases(report.leases);
      const { term } = report;
      return {
        value: { kind: "lease-list", term, packed },
        transfer: [packed.ids.buffer, packed.numbers.buffer],
      };
    }
    case "lease-keys":
      return { value: { ...report, keys: report.keys.map(own) }, transfer: [] };
    case "history-result":
    case "maintenance-result": {
      const response = own(report.response);
      return { value: { kind: report.kind, id: report.id, response }, transfer: [response.buffer] };
    }
    case "feed": {
      const batch = own(report.batch);
      return { value: { kind: "feed", revision: report.revision, batch }, transfer: [batch.buffer] };
    }
    default:
      return assertNever(report);
  }
}

export function unpackApplierReport(
  posted: Exclude<PostedApplierReport, { kind: "started" | "start-failed" | "closed" }>,
): ApplierReport {
  if (posted.kind !== "lease-list") return posted;
  return { kind: "lease-list", term: posted.term, leases: unpackLeases(posted.packed) };
}

/** The bytes in a buffer of exactly their size: as they are if they have one, else a copy. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) {
    return bytes as Uint8Array<ArrayBuffer>;
  }
  return Uint8Array.from(bytes);
}
