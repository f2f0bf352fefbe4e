import { createHash } from "node:crypto";

/** Of two ends that made the same chain, both saw the same chunks in the same order. */
export function chainChunk(before: Uint8Array, rows: Uint8Array): Uint8Array {
  return createHash("sha256").update(before).update(rows).digest();
}
