import type { Revision } from "@quorate/mvcc";
import { DecodeError } from "./errors";
import { decodeHashKvRequest } from "./etcd-requests";
import { saturatingNumber } from "./int64";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.internal.v1;

/** What one member is asked about itself, and may take long. */
export type MaintenanceQuery =
  /** A hash of the key-values up to `revision`; 0: the current one. */
  | { readonly kind: "hash-kv"; readonly revision: Revision }
  /** A hash of all key-values as they can be read at `revision`. */
  | { readonly kind: "hash-state"; readonly revision: Revision }
  /** A hash of every row. */
  | { readonly kind: "hash" }
  /** Answered once the member has deleted what a compaction at `revision` made unreachable. */
  | { readonly kind: "compacted"; readonly revision: Revision };

/** The same as it travels: what clients sent is not decoded on the way. */
export type RawMaintenanceQuery =
  | { readonly kind: "hash-kv" | "hash"; readonly bytes: Uint8Array }
  | { readonly kind: "compacted" | "hash-state"; readonly revision: Revision };

export interface MaintenanceRequest {
  readonly query: MaintenanceQuery;
  /** Who asked waits no longer than this. */
  readonly timeoutMs: number;
}

/** @param timeoutMs At most 2^32-1. */
export function encodeMaintenanceRequest(query: RawMaintenanceQuery, timeoutMs: number): Uint8Array {
  const timeout = { timeoutMs: Math.ceil(timeoutMs) };
  switch (query.kind) {
    case "hash-kv":
      return wire.MaintenanceRequest.encode({ hashKv: query.bytes, ...timeout }).finish();
    case "hash":
      return wire.MaintenanceRequest.encode({ hash: query.bytes, ...timeout }).finish();
    case "hash-state":
      return wire.MaintenanceRequest.encode({ hashState: query.revision, ...timeout }).finish();
    case "compacted":
      return wire.MaintenanceRequest.encode({ compacted: query.revision, ...timeout }).finish();
  }
}

/** @throws {DecodeError} */
export function decodeMaintenanceRequest(bytes: Uint8Array): MaintenanceRequest {
  const message = decodeMessage("MaintenanceRequest", wire.MaintenanceRequest, bytes);
  return { query: queryOf(message), timeoutMs: message.timeoutMs };
}

function queryOf(message: quorate.internal.v1.MaintenanceRequest.$Properties): MaintenanceQuery {
  if (message.hashKv) return { kind: "hash-kv", revision: decodeHashKvRequest(message.hashKv) };
  if (message.hash) return { kind: "hash" };
  if (message.hashState !== undefined && message.hashState !== null) {
    return { kind: "hash-state", revision: saturatingNumber(message.hashState) as Revision };
  }
  if (message.compacted !== undefined && message.compacted !== null) {
    return { kind: "compacted", revision: saturatingNumber(message.compacted) as Revision };
  }
  throw new DecodeError("MaintenanceRequest", "its kind is not known");
}
