import { randomInteger, type Prng } from "@quorate/base";
import type { LogIndex } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import {
  MemoryAnchor,
  MemoryDisk,
  MemoryLogDisk,
  MemoryLogStorage,
  MemorySnapshotStorage,
  MemoryStatePlace,
  type LogStorage,
  type SlottedAnchor,
} from "@quorate/storage";
import type { Boundary, Disk } from "./schedule";
import type { SimulatedMemberOptions } from "./simulated-member-options";
import { TrappedAnchorDisk } from "./trapped-anchor-disk";

/** Synced writes of a log that a rotten disk may lose. */
const LOSSES_MAX = 20;
/** Those that make a log: it is not lost as a whole. */
const FOUNDING_SYNCS = 4;

/** The disks of a member's host. They outlive its processes, and lose what power failures, rot and want of space make them lose. */
export class SimulatedDisks {
  readonly #log = new MemoryLogDisk({ syncedKept: LOSSES_MAX });
  readonly #state = new MemoryStatePlace<StateColumn>(STATE_COLUMNS);
  readonly #anchor: TrappedAnchorDisk;
  #created = false;
  #isFull = false;

  constructor(
    private readonly options: Pick<
      SimulatedMemberOptions,
      "memberId" | "name" | "configuration" | "cacheBytesMax"
    >,
    private readonly dependencies: {
      readonly prng: Prng;
      /** Throws if the process ends there. */
      readonly cross: (boundary: Boundary) => void;
    },
  ) {
    this.#anchor = new TrappedAnchorDisk(dependencies.cross);
  }

  /** Whether a process has ever used them. */
  get created(): boolean {
    return this.#created;
  }

  /** Makes the log if there is none. */
  openLog(clusterId: bigint): LogStorage {
    const { memberId, name, configuration, cacheBytesMax } = this.options;
    const options = { tailBytesMax: cacheBytesMax };
    if (this.#created) return MemoryLogStorage.open(this.#log, { clusterId, memberId }, options);
    this.#created = true;
    const identity = { clusterId, clusterName: "sim", memberId, memberName: name, directoryId: name };
    return MemoryLogStorage.create(this.#log, { identity, configuration }, options);
  }

  /** @param compacted Where the log begins. */
  openState(compacted: LogIndex): MemorySnapshotStorage<StateColumn> {
    return new MemorySnapshotStorage(this.#state, compacted);
  }

  openAnchor(): SlottedAnchor {
    return MemoryAnchor.open(this.#anchor);
  }

  /** What a process leaves behind that was ended: with `powerLoss` without some of what it has not synced. */
  crash(powerLoss: boolean): void {
    const { prng } = this.dependencies;
    // The log syncs every batch: only one whose sync has failed may be on the disk or not.
    const unsyncedLog = this.#log.unsyncedBatches;
    this.#log.crash(unsyncedLog === 0 ? 0 : randomInteger(prng, 0, unsyncedLog));
    const { disk } = this.#state;
    const unsynced = disk.unsyncedBatches;
    disk.crash(powerLoss ? randomInteger(prng, 0, unsynced) : unsynced);
  }

  /** What a process leaves behind that came to its end. */
  settle(): void {
    this.#log.crash(this.#log.unsyncedBatches);
    this.#state.disk.crash(this.#state.disk.unsyncedBatches);
  }

  loseState(): void {
    this.#state.disk = new MemoryDisk(STATE_COLUMNS);
  }

  /** Loses up to `syncs` of the newest synced writes of the log. */
  rotLog(syncs: number): void {
    this.#log.rot(Math.max(0, Math.min(syncs, this.#log.syncedKept - FOUNDING_SYNCS)));
  }

  /** One copy of the anchor is gone. @returns false: there is no other. */
  loseAnchorSlot(slot: number): boolean {
    return this.#anchor.loseSlot(slot);
  }

  /** `disk` takes nothing any more: the next write ends the process. */
  failWrites(disk: Disk, firstReaches: boolean): void {
    (disk === "log" ? this.#log : this.#state.disk).failWrites(firstReaches);
  }

  /** Failures that no write has met yet are over. */
  mend(): void {
    this.#log.mend();
    this.#state.disk.mend();
  }

  /** Both take nothing any more, whichever process comes, until `free`. */
  fill(): void {
    this.#isFull = true;
    this.refuseIfFull();
  }

  free(): void {
    this.#isFull = false;
    this.mend();
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** For a process that begins: the one before has met the failures that there were. */
  refuseIfFull(): void {
    if (!this.#isFull) return;
    this.failWrites("log", false);
    this.failWrites("state", false);
  }
}
