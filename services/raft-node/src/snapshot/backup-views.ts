import type { ActorRef } from "@quorate/actor";
import type { Clock, Timer } from "@quorate/base";
import type { StateColumn } from "@quorate/state-machine";
import { encodeSnapshotGone } from "@quorate/wire";
import type { AppliedState } from "./applied-state";
import type { SnapshotReport } from "./snapshot-messages";
import { SnapshotView } from "./snapshot-view";

export interface BackupViewsOptions {
  readonly chunkBytesMax: number;
  readonly windowChunks: number;
  /** Views held at once; for one more it is said that there is none. */
  readonly viewsMax: number;
  /** How long a view is held without being read, in milliseconds. */
  readonly idleMs: number;
}

export interface BackupViewsDependencies {
  readonly state: AppliedState;
  readonly reports: ActorRef<SnapshotReport>;
  readonly clock: Clock;
}

interface Held {
  readonly view: SnapshotView;
  timer: Timer;
}

/** How far the store is compacted comes first: who makes a backup decides by that about every row that follows. */
const COLUMNS: readonly StateColumn[] = ["meta", "lease", "latest", "history", "event"];

/** The views of the state that gateways are reading. None gives way to another: that would fail a backup for each that begins. */
export class BackupViews {
  readonly #held = new Map<number, Held>();

  constructor(
    private readonly options: BackupViewsOptions,
    private readonly dependencies: BackupViewsDependencies,
  ) {}

  /** Reports an encoded SnapshotChunk, or that there is none with this number. */
  read(id: number, transfer: number, sequence: number): void {
    const held = this.#held.get(transfer) ?? (sequence === 0 ? this.#open(transfer) : undefined);
    if (held !== undefined) {
      held.timer.cancel();
      held.timer = this.#idleTimer(transfer);
    }
    const chunk = held?.view.chunk(sequence) ?? encodeSnapshotGone(transfer, sequence);
    this.dependencies.reports.tell({ kind: "backup-chunk", id, chunk });
  }

  close(transfer: number): void {
    const held = this.#held.get(transfer);
    if (held === undefined) return;
    this.#held.delete(transfer);
    held.timer.cancel();
    held.view[Symbol.dispose]();
  }

  /** The state they show is being replaced. */
  closeAll(): void {
    for (const transfer of [...this.#held.keys()]) this.close(transfer);
  }

  #open(transfer: number): Held | undefined {
    if (this.#held.size >= this.options.viewsMax) return undefined;
    const { store, stateMachine } = this.dependencies.state;
    const { position } = stateMachine;
    const view = new SnapshotView({ ...this.options, transfer, columns: COLUMNS }, { store, position });
    const held = { view, timer: this.#idleTimer(transfer) };
    this.#held.set(transfer, held);
    return held;
  }

  #idleTimer(transfer: number): Timer {
    return this.dependencies.clock.setTimer(this.options.idleMs, () => this.close(transfer));
  }
}
