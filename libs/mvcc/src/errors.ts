import type { Revision } from "./types";

/**
 * Why a read or a command changed and answered nothing. Values, not exceptions: they are part of the replicated
 * outcome, the same on every member.
 */
export type MvccError =
  | { readonly code: "compacted"; readonly requested: Revision; readonly compacted: Revision }
  | { readonly code: "future-revision"; readonly requested: Revision; readonly current: Revision }
  /** `ignore_value` or `ignore_lease` on a key that does not exist. */
  | { readonly code: "key-not-found" }
  | { readonly code: "lease-not-found" };

/** A range that cannot be answered in parts is larger than a turn may read. Only of reads, and so not replicated. */
export interface RangeTooLargeError {
  readonly code: "range-too-large";
  readonly bytesMax: number;
}
