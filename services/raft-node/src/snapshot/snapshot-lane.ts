import type { ActorRef } from "@quorate/actor";
import { assertNever, type Clock } from "@quorate/base";
import type { AppliedState } from "./applied-state";
import { BackupViews } from "./backup-views";
import type { SnapshotMessage, SnapshotReport } from "./snapshot-messages";
import { SnapshotStaging } from "./snapshot-staging";
import { SnapshotViews } from "./snapshot-views";

export interface SnapshotLaneOptions {
  /** Bytes of keys and values in a chunk. */
  readonly chunkBytesMax: number;
  readonly windowChunks: number;
}

export interface SnapshotLaneDependencies {
  readonly state: AppliedState;
  readonly reports: ActorRef<SnapshotReport>;
  readonly clock: Clock;
}

/** Members that may be sent a snapshot at once: each view keeps data on disk, and chunks in memory. */
const VIEWS_MAX = 2;
/** Backups that may be made at once; likewise. */
const BACKUP_VIEWS_MAX = 2;
/** Longer than a receiver waits before it gives up. */
const VIEW_IDLE_MS = 30_000;

/** The part of the apply lane that deals in snapshots. */
export class SnapshotLane {
  readonly #views: SnapshotViews;
  readonly #backups: BackupViews;
  readonly #staging: SnapshotStaging;
  #installing = false;

  constructor(
    options: SnapshotLaneOptions,
    private readonly dependencies: SnapshotLaneDependencies,
  ) {
    this.#views = new SnapshotViews({ ...options, viewsMax: VIEWS_MAX, idleMs: VIEW_IDLE_MS }, dependencies);
    this.#backups = new BackupViews(
      { ...options, viewsMax: BACKUP_VIEWS_MAX, idleMs: VIEW_IDLE_MS },
      dependencies,
    );
    this.#staging = new SnapshotStaging(dependencies);
  }

  /** Meanwhile there is no state: nothing may be read or applied. */
  get installing(): boolean {
    return this.#installing;
  }

  /** @param installed Called once a "snapshot-install" is done, before it is reported. */
  receive(message: SnapshotMessage, installed: () => void): void {
    switch (message.kind) {
      case "snapshot-open":
        return this.#views.open(message.to, message.transfer);
      case "snapshot-close":
        return this.#views.close(message.to, message.transfer);
      case "snapshot-read":
        return this.#views.read(message.id, message.to, message.transfer, message.sequence);
      case "backup-read":
        return this.#backups.read(message.id, message.transfer, message.sequence);
      case "backup-close":
        return this.#backups.close(message.transfer);
      case "snapshot-stage":
        return this.#staging.begin(message.transfer, message.snapshot);
      case "snapshot-write":
        return this.#staging.write(message.transfer, message.chunk);
      case "snapshot-discard":
        return this.#staging.discard(message.transfer);
      case "snapshot-install": {
        const { state, reports } = this.dependencies;
        this.#views.closeAll();
        this.#backups.closeAll();
        this.#installing = true;
        return state.install(message.index, () => {
          this.#installing = false;
          installed();
          const { position, membership, condition } = state.stateMachine;
          reports.tell({ kind: "snapshot-installed", position, membership, condition });
        });
      }
      default:
        assertNever(message);
    }
  }
}
