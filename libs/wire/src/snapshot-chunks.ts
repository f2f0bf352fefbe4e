import { DecodeError } from "./errors";
import { counterOf, unsignedId, wireId } from "./int64";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.raft.v1;

export interface SnapshotChunkRequest {
  readonly clusterId: bigint;
  readonly transfer: number;
  /** From 0. */
  readonly sequence: number;
}

/** Rows of one column, in the order of their keys; one value per key. */
export interface ColumnRows {
  readonly column: string;
  readonly keys: readonly Uint8Array[];
  readonly values: readonly Uint8Array[];
}

/** Of the rows and chunks of a snapshot together; those of before it was told are of format 1. */
export const SNAPSHOT_FORMAT = 1;

/** What all chunks of a snapshot must come to. */
export interface SnapshotSummary {
  readonly rows: number;
  /** Of keys and values. */
  readonly bytes: number;
  readonly index: number;
  readonly term: number;
  readonly revision: number;
  readonly effectHash: number;
}

export interface SnapshotChunk {
  readonly transfer: number;
  readonly sequence: number;
  /** Encoded rows: what the chain is made over. */
  readonly rows: Uint8Array;
  /** SHA-256 over the chain of the chunk before and `rows`. */
  readonly chain: Uint8Array;
  /** With the last chunk. */
  readonly summary: SnapshotSummary | undefined;
}

export function encodeSnapshotChunkRequest(request: SnapshotChunkRequest): Uint8Array {
  return wire.SnapshotChunkRequest.encode({ ...request, clusterId: wireId(request.clusterId) }).finish();
}

/** @throws {DecodeError} */
export function decodeSnapshotChunkRequest(bytes: Uint8Array): SnapshotChunkRequest {
  const { clusterId, transfer, sequence } = decodeMessage(
    "SnapshotChunkRequest",
    wire.SnapshotChunkRequest,
    bytes,
  );
  return { clusterId: unsignedId(clusterId), transfer: counterOf(transfer, "transfer"), sequence };
}

export function encodeSnapshotRows(columns: readonly ColumnRows[]): Uint8Array {
  return wire.SnapshotRows.encode({
    columns: columns.map(({ column, keys, values }) => ({ column, keys: [...keys], values: [...values] })),
  }).finish();
}

/** Keys and values are views into `bytes`. @throws {DecodeError} */
export function decodeSnapshotRows(bytes: Uint8Array): ColumnRows[] {
  return decodeMessage("SnapshotRows", wire.SnapshotRows, bytes).columns.map((rows) => {
    const { column = "", keys = [], values = [] } = rows;
    if (keys?.length !== values?.length)
      throw new DecodeError("SnapshotRows", "there is not one value per key");
    return { column: column ?? "", keys: keys ?? [], values: values ?? [] };
  });
}

export function encodeSnapshotChunk(chunk: SnapshotChunk): Uint8Array {
  const { summary, ...rest } = chunk;
  const told = summary && { ...summary, format: SNAPSHOT_FORMAT };
  return wire.SnapshotChunk.encode(told === undefined ? rest : { ...rest, summary: told }).finish();
}

/** The answer to a request for a transfer that is not held (any more). */
export function encodeSnapshotGone(transfer: number, sequence: number): Uint8Array {
  return wire.SnapshotChunk.encode({ transfer, sequence }).finish();
}

/** "gone": the sender does not hold the transfer. Bytes are views into `bytes`. @throws {DecodeError} also with a summary of an
 * unknown format. */
export function decodeSnapshotChunk(bytes: Uint8Array): SnapshotChunk | "gone" {
  const { transfer, sequence, rows, chain, summary } = decodeMessage(
    "SnapshotChunk",
    wire.SnapshotChunk,
    bytes,
  );
  if (chain.length === 0) return "gone";
  return {
    transfer: counterOf(transfer, "transfer"),
    sequence,
    rows,
    chain,
    summary: summary == null ? undefined : decodeSummary(summary),
  };
}

function decodeSummary(summary: quorate.raft.v1.SnapshotSummary.$Properties): SnapshotSummary {
  const { format } = summary;
  if (format != null && format > SNAPSHOT_FORMAT) {
    throw new DecodeError("SnapshotSummary", `a newer version sends format ${format}`, { unknownKind: true });
  }
  return {
    rows: counterOf(summary.rows ?? 0, "rows"),
    bytes: counterOf(summary.bytes ?? 0, "bytes"),
    index: counterOf(summary.index ?? 0, "index"),
    term: counterOf(summary.term ?? 0, "term"),
    revision: counterOf(summary.revision ?? 0, "revision"),
    effectHash: summary.effectHash ?? 0,
  };
}
