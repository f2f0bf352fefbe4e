import { invariant } from "@quorate/base";
import type { LogIndex } from "@quorate/raft";
import { MemoryDisk } from "./memory-disk";
import { MemoryKeyValueStore } from "./memory-key-value-store";
import type { SnapshotStorage } from "./snapshot-storage";

/** What survives of a {@link MemorySnapshotStorage}: reopen it to restart its member. */
export class MemoryStatePlace<Column extends string> {
  disk: MemoryDisk<Column>;
  sealed: { readonly index: LogIndex; readonly disk: MemoryDisk<Column> } | undefined;

  constructor(readonly columns: readonly Column[]) {
    this.disk = new MemoryDisk(columns);
  }
}

/** A {@link SnapshotStorage} in memory. Each step is done, and durable, when it calls back, which it does before it returns. */
export class MemorySnapshotStorage<Column extends string> implements SnapshotStorage<Column> {
  readonly #place: MemoryStatePlace<Column>;
  #store: MemoryKeyValueStore<Column>;
  #staging: MemoryKeyValueStore<Column> | undefined;

  /** @param compacted Where the log begins: a snapshot sealed there has been decided for. */
  constructor(place: MemoryStatePlace<Column>, compacted: LogIndex) {
    this.#place = place;
    if (place.sealed?.index === compacted) place.disk = place.sealed.disk;
    place.sealed = undefined;
    this.#store = new MemoryKeyValueStore(place.disk);
  }

  get store(): MemoryKeyValueStore<Column> {
    return this.#store;
  }

  stage(opened: (staging: MemoryKeyValueStore<Column>) => void): void {
    this.discard();
    const staging = new MemoryKeyValueStore<Column>(this.#place.columns);
    this.#staging = staging;
    opened(staging);
  }

  seal(index: LogIndex, sealed: () => void): void {
    invariant(this.#staging !== undefined, "what is sealed was staged");
    void this.#staging[Symbol.asyncDispose](); // in memory it is done, and durable, when the call returns
    this.#place.sealed = { index, disk: this.#staging.disk };
    this.#staging = undefined;
    sealed();
  }

  install(index: LogIndex, installed: () => void): void {
    const { sealed } = this.#place;
    invariant(sealed?.index === index, "what is installed was sealed", { index, sealed: sealed?.index });
    void this.#store[Symbol.asyncDispose]();
    this.#place.disk = sealed.disk;
    this.#place.sealed = undefined;
    this.#store = new MemoryKeyValueStore(sealed.disk);
    installed();
  }

  discard(): void {
    void this.#staging?.[Symbol.asyncDispose]();
    this.#staging = undefined;
    this.#place.sealed = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#staging?.[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }
}
