import type { LogIndex, MemberId, SnapshotHead } from "@quorate/raft";
import type { AppliedPosition, Membership, StoreCondition } from "@quorate/state-machine";

/** What the apply lane is told about snapshots: of its own state, for others, and of another's, for itself. */
export type SnapshotMessage =
  | { readonly kind: "snapshot-open"; readonly to: MemberId; readonly transfer: number }
  | { readonly kind: "snapshot-close"; readonly to: MemberId; readonly transfer: number }
  /** The chunk `sequence` of the view that is held for `to`, to be reported under `id`. */
  | {
      readonly kind: "snapshot-read";
      readonly id: number;
      readonly to: MemberId;
      readonly transfer: number;
      readonly sequence: number;
    }
  /** A transfer begins: its chunks follow, in order. */
  | { readonly kind: "snapshot-stage"; readonly transfer: number; readonly snapshot: SnapshotHead }
  /** The next encoded SnapshotChunk, in memory of its own. */
  | { readonly kind: "snapshot-write"; readonly transfer: number; readonly chunk: Uint8Array }
  | { readonly kind: "snapshot-discard"; readonly transfer: number }
  | { readonly kind: "snapshot-install"; readonly index: LogIndex }
  /** The chunk `sequence` of a backup, to be reported under `id`; the first one begins it. */
  | {
      readonly kind: "backup-read";
      readonly id: number;
      readonly transfer: number;
      readonly sequence: number;
    }
  | { readonly kind: "backup-close"; readonly transfer: number };

export type SnapshotReport =
  | {
      readonly kind: "snapshot-opened";
      readonly to: MemberId;
      readonly transfer: number;
      readonly position: AppliedPosition;
      /** As of `position`, like all that the view shows. */
      readonly membership: Membership;
    }
  | { readonly kind: "snapshot-closed"; readonly to: MemberId; readonly transfer: number }
  /** An encoded SnapshotChunk; `undefined` if the request cannot be answered. */
  | { readonly kind: "snapshot-chunk"; readonly id: number; readonly chunk: Uint8Array | undefined }
  /** An encoded SnapshotChunk of a backup, or that there is none. */
  | { readonly kind: "backup-chunk"; readonly id: number; readonly chunk: Uint8Array }
  /** The first `chunks` chunks are in the staging database. */
  | { readonly kind: "snapshot-written"; readonly transfer: number; readonly chunks: number }
  | { readonly kind: "snapshot-staged"; readonly transfer: number }
  /** A chunk was not what was promised. */
  | { readonly kind: "snapshot-rejected"; readonly transfer: number; readonly why: string }
  /** What the rows that are the state now say. */
  | {
      readonly kind: "snapshot-installed";
      readonly position: AppliedPosition;
      readonly membership: Membership;
      readonly condition: StoreCondition;
    };
