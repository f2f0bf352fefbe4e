import type { LogIndex } from "@quorate/raft";
import type { KeyValueStore } from "./key-value-store";

/**
 * The applied state of one member, and a snapshot that is to take its place.
 *
 * ```text
 *   stage ──> write rows ──> seal(index) ──> the log begins behind index ──> install(index)
 *             lost in a crash │ survives; thrown away at the next start      │ survives as the state
 *                             │ unless the log begins there                  │
 * ```
 *
 * So the durable beginning of the log is the one decision, and a crash at any point leaves the old state or the new one. One
 * step at a time: the next may be asked for once the last has called back, except `discard` and `stage`, which end what is
 * under way. It belongs to one thread. What fails ends that thread.
 */
export interface SnapshotStorage<Column extends string = string> extends AsyncDisposable {
  /** The database in use: another object after each `install`, which ends the one before. */
  readonly store: KeyValueStore<Column>;
  /** Opens an empty database beside the one in use. What was staged or sealed before is thrown away. */
  stage(opened: (staging: KeyValueStore<Column>) => void): void;
  /** Closes what is staged and marks it as the whole state up to `index`. Its last batch must have been a synced one. */
  seal(index: LogIndex, sealed: () => void): void;
  /** Puts what was sealed in place of the database in use. The log must begin behind `index`, durably. */
  install(index: LogIndex, installed: () => void): void;
  /** Throws away what is staged or sealed. */
  discard(): void;
}
