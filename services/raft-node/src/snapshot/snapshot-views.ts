import type { ActorRef } from "@quorate/actor";
import type { Clock, Timer } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import { STATE_COLUMNS } from "@quorate/state-machine";
import { encodeSnapshotGone } from "@quorate/wire";
import type { AppliedState } from "./applied-state";
import type { SnapshotReport } from "./snapshot-messages";
import { SnapshotView } from "./snapshot-view";

export interface SnapshotViewsOptions {
  readonly chunkBytesMax: number;
  readonly windowChunks: number;
  /** Views held at once; further receivers are refused one until somebody has read theirs, or has stopped reading. */
  readonly viewsMax: number;
  /** How long a view is held without being read, in milliseconds. */
  readonly idleMs: number;
}

export interface SnapshotViewsDependencies {
  readonly state: AppliedState;
  readonly reports: ActorRef<SnapshotReport>;
  readonly clock: Clock;
}

interface Held {
  readonly transfer: number;
  readonly view: SnapshotView;
  timer: Timer;
}

/** The views of the state that other members are reading: one for each of them. */
export class SnapshotViews {
  readonly #held = new Map<MemberId, Held>();

  constructor(
    private readonly options: SnapshotViewsOptions,
    private readonly dependencies: SnapshotViewsDependencies,
  ) {}

  open(to: MemberId, transfer: number): void {
    this.#drop(to);
    // Giving up somebody else's instead would let many receivers keep one another from ever coming to the end.
    if (this.#held.size >= this.options.viewsMax)
      return this.dependencies.reports.tell({ kind: "snapshot-closed", to, transfer });
    const { store, stateMachine } = this.dependencies.state;
    const { position, membership } = stateMachine;
    const view = new SnapshotView({ ...this.options, transfer, columns: STATE_COLUMNS }, { store, position });
    this.#held.set(to, { transfer, view, timer: this.#idleTimer(to) });
    this.dependencies.reports.tell({ kind: "snapshot-opened", to, transfer, position, membership });
  }

  close(to: MemberId, transfer: number): void {
    if (this.#held.get(to)?.transfer === transfer) this.#drop(to);
  }

  /** The state they show is being replaced. */
  closeAll(): void {
    for (const to of [...this.#held.keys()]) this.#giveUp(to);
  }

  /** Reports an encoded SnapshotChunk, or that there is none with this number. */
  read(id: number, to: MemberId, transfer: number, sequence: number): void {
    const held = this.#held.get(to);
    const isHeld = held?.transfer === transfer;
    if (isHeld) {
      held.timer.cancel();
      held.timer = this.#idleTimer(to);
    }
    const chunk = isHeld ? held.view.chunk(sequence) : encodeSnapshotGone(transfer, sequence);
    this.dependencies.reports.tell({ kind: "snapshot-chunk", id, chunk });
  }

  #idleTimer(to: MemberId): Timer {
    return this.dependencies.clock.setTimer(this.options.idleMs, () => this.#giveUp(to));
  }

  #giveUp(to: MemberId): void {
    const transfer = this.#drop(to);
    if (transfer !== undefined) this.dependencies.reports.tell({ kind: "snapshot-closed", to, transfer });
  }

  #drop(to: MemberId): number | undefined {
    const held = this.#held.get(to);
    if (held === undefined) return undefined;
    this.#held.delete(to);
    held.timer.cancel();
    held.view[Symbol.dispose]();
    return held.transfer;
  }
}
