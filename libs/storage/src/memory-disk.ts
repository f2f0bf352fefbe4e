import { invariant } from "@quorate/base";
import BTree from "sorted-btree";
import { StorageLockedError, StorageWriteError } from "./errors";

/** Keys are one-byte-per-character strings (`binaryString`), which order like the bytes and need no native call. */
export type MemoryTree = BTree<string, Uint8Array>;

/** One change of a batch. `put` bytes belong to the disk from then on. */
export type MemoryOperation<Column extends string> =
  | { readonly kind: "put"; readonly column: Column; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "del"; readonly column: Column; readonly key: string }
  /** All keys from `from` (included) to `to` (excluded). */
  | { readonly kind: "clear"; readonly column: Column; readonly from: string; readonly to: string };

/** What has a disk open. The disk ends it when the machine crashes. */
export interface MemoryDiskUser {
  readonly end: () => void;
}

export interface MemoryDiskOptions {
  /** How many synced states are kept for {@link MemoryDisk.rot}. Default 0. */
  readonly syncedKept?: number;
}

/** More unsynced batches than this reach the disk on their own, oldest first, as an operating system would do. */
const UNSYNCED_BATCHES_MAX = 1_000;

/**
 * What survives a store in memory, with the one promise that a real disk gives: batches reach it in order, a synced one
 * takes all before it along, and a crash loses nothing but a tail of those written since.
 *
 * ```text
 *   batches    1  2  3(sync)  4  5  6
 *   durable    ------------>
 *   crash(2)   ------------------>       6 is lost; 4 may never be lost without 5 and 6
 * ```
 */
export class MemoryDisk<Column extends string = string> {
  readonly columns: readonly Column[];
  #current: Map<Column, MemoryTree>;
  #durable: Map<Column, MemoryTree>;
  #unsynced: (readonly MemoryOperation<Column>[])[] = [];
  /** Earlier durable states, oldest first. */
  #synced: Map<Column, MemoryTree>[] = [];
  readonly #syncedMax: number;
  #user: MemoryDiskUser | undefined;
  #failing: "no" | "first-reaches" | "yes" = "no";

  constructor(columns: readonly Column[], options: MemoryDiskOptions = {}) {
    this.columns = columns;
    this.#syncedMax = options.syncedKept ?? 0;
    this.#current = new Map(columns.map((column) => [column, new BTree(undefined, compareKeys)]));
    this.#durable = cloneTrees(this.#current);
  }

  /** How many batches a crash may lose at the most. */
  get unsyncedBatches(): number {
    return this.#unsynced.length;
  }

  /**
   * Power loss, or the end of the process if all is kept: whoever has the disk open is ended without a word, and the
   * first `keepUnsynced` (0 to {@link unsyncedBatches}) of the unsynced batches remain.
   */
  crash(keepUnsynced: number): void {
    invariant(
      keepUnsynced >= 0 && keepUnsynced <= this.#unsynced.length,
      "a crash keeps a prefix of the unsynced batches",
      { keepUnsynced, unsynced: this.#unsynced.length },
    );
    for (const operations of this.#unsynced.slice(0, keepUnsynced)) applyAll(this.#durable, operations);
    this.#current = cloneTrees(this.#durable);
    this.#unsynced = [];
    this.#failing = "no";
    const user = this.#user;
    this.#user = undefined;
    user?.end();
  }

  /**
   * Every write fails until the next crash, or {@link mend}, as on a disk that is full or broken.
   *
   * @param firstReaches Whether the first of them is stored all the same, unsynced: its writer cannot know.
   */
  failWrites(firstReaches: boolean): void {
    this.#failing = firstReaches ? "first-reaches" : "yes";
  }

  /** Writes succeed again. */
  mend(): void {
    this.#failing = "no";
  }

  /** How many synced states {@link rot} may take away. */
  get syncedKept(): number {
    return this.#synced.length;
  }

  /**
   * The promise is broken, as by a bit that flips in a write-ahead log: of what was synced, the newest `syncs` (0 to
   * {@link syncedKept}) are gone. Only while nobody has the disk open.
   */
  rot(syncs: number): void {
    invariant(this.#user === undefined && syncs <= this.#synced.length, "a closed disk loses what it kept", {
      syncs,
      kept: this.#synced.length,
    });
    const before = this.#synced.splice(this.#synced.length - syncs)[0];
    if (before === undefined) return;
    this.#durable = before;
    this.#current = cloneTrees(before);
    this.#unsynced = [];
  }

  /** Takes the disk for one user. @throws {StorageLockedError} it has one. */
  lock(user: MemoryDiskUser): void {
    if (this.#user !== undefined)
      throw new StorageLockedError("Cannot open the memory disk: it is open already");
    this.#user = user;
  }

  /** A clean end: what was written stays. */
  unlock(user: MemoryDiskUser): void {
    invariant(this.#user === user, "only its user unlocks a disk");
    this.#user = undefined;
    this.#sync();
  }

  /** The rows of a column as they are now. Not to be changed, and not to be kept: clone it for a lasting view. */
  tree(column: Column): MemoryTree {
    const tree = this.#current.get(column);
    invariant(tree !== undefined, "a column is declared before it is used", { column });
    return tree;
  }

  /** Applies one batch at once. `sync`: it and all before it survive any crash. */
  write(operations: readonly MemoryOperation<Column>[], sync: boolean): void {
    if (this.#failing === "yes") throw new StorageWriteError("The memory disk fails");
    applyAll(this.#current, operations);
    if (this.#failing === "first-reaches") {
      this.#failing = "yes";
      this.#unsynced.push(operations);
      throw new StorageWriteError("The memory disk fails");
    }
    if (sync) return this.#sync();
    this.#unsynced.push(operations);
    if (this.#unsynced.length <= UNSYNCED_BATCHES_MAX) return;
    // Half at a time keeps the cost of moving the array small.
    const reached = this.#unsynced.splice(0, UNSYNCED_BATCHES_MAX / 2);
    for (const batch of reached) applyAll(this.#durable, batch);
  }

  #sync(): void {
    if (this.#syncedMax > 0 && this.#synced.push(this.#durable) > this.#syncedMax) this.#synced.shift();
    this.#durable = cloneTrees(this.#current);
    this.#unsynced = [];
  }
}

function applyAll<Column extends string>(
  trees: ReadonlyMap<Column, MemoryTree>,
  operations: readonly MemoryOperation<Column>[],
): void {
  for (const operation of operations) {
    const tree = trees.get(operation.column);
    invariant(tree !== undefined, "a column is declared before it is used", { column: operation.column });
    if (operation.kind === "put") tree.set(operation.key, operation.value);
    else if (operation.kind === "del") tree.delete(operation.key);
    else if (operation.from < operation.to) tree.deleteRange(operation.from, operation.to, false);
  }
}

/** O(1) per tree: nodes are shared until one side changes them. */
function cloneTrees<Column extends string>(trees: ReadonlyMap<Column, MemoryTree>): Map<Column, MemoryTree> {
  return new Map([...trees].map(([column, tree]) => [column, tree.clone()]));
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
