import type { LogIndex } from "@quorate/raft";
import type { KeyValueStore, SnapshotStorage } from "@quorate/storage";
import { invariant } from "@quorate/base";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { RocksKeyValueStore, type RocksKeyValueStoreOptions } from "./rocks-key-value-store";

export interface RocksSnapshotStorageOptions<Column extends string> extends Omit<
  RocksKeyValueStoreOptions<Column>,
  "directory" | "createIfMissing"
> {
  /** Of the member. The state is in `state/`; what is on its way stands beside it. */
  readonly directory: string;
  /** Where the log begins: a snapshot sealed there has been decided for. */
  readonly compacted: LogIndex;
}

const STATE = "state";
const INCOMING = "state.incoming";
/** What was replaced, until it is deleted. */
const REPLACED = "state.replaced";
const SEALED_PREFIX = "state.sealed-";

/**
 * A {@link SnapshotStorage} of RocksDB databases. A directory's name tells what it is, so each step ends with one rename and
 * a sync of the directory around it.
 */
export class RocksSnapshotStorage<Column extends string> implements SnapshotStorage<Column> {
  readonly #options: RocksSnapshotStorageOptions<Column>;
  #store: RocksKeyValueStore<Column>;
  #staging: RocksKeyValueStore<Column> | undefined;
  /** Steps run one after the other. One that fails is not caught: it ends the thread. */
  #steps: Promise<void> = Promise.resolve();
  /** Rises with what ends a snapshot under way: callbacks of an earlier one are not called any more. */
  #attempt = 0;

  private constructor(options: RocksSnapshotStorageOptions<Column>, store: RocksKeyValueStore<Column>) {
    this.#options = options;
    this.#store = store;
  }

  /** Finishes or undoes what a crash has interrupted. Missing state is made anew, and empty: its owner sees how far it goes. */
  static async open<Column extends string>(
    options: RocksSnapshotStorageOptions<Column>,
  ): Promise<RocksSnapshotStorage<Column>> {
    const { directory, compacted } = options;
    await mkdir(directory, { recursive: true });
    if (existsSync(join(directory, `${SEALED_PREFIX}${compacted}`))) await replaceState(directory, compacted);
    await removeLeftovers(directory);
    const store = await openStore(options, STATE);
    // The engine syncs what is in its directory, but not the name of that: a power loss would take a state that was made anew, when
    // the log already relies on it. At each start, for an earlier one may have been killed in between.
    await syncDirectory(directory);
    return new RocksSnapshotStorage(options, store);
  }

  get store(): RocksKeyValueStore<Column> {
    return this.#store;
  }

  stage(opened: (staging: KeyValueStore<Column>) => void): void {
    this.discard();
    this.#step(async () => {
      this.#staging = await openStore(this.#options, INCOMING);
      return () => opened(this.#staging!);
    });
  }

  seal(index: LogIndex, sealed: () => void): void {
    const { directory } = this.#options;
    this.#step(async () => {
      invariant(this.#staging !== undefined, "what is sealed was staged");
      await this.#closeStaging();
      await rename(join(directory, INCOMING), join(directory, `${SEALED_PREFIX}${index}`));
      await syncDirectory(directory);
      return sealed;
    });
  }

  install(index: LogIndex, installed: () => void): void {
    const { directory } = this.#options;
    this.#step(async () => {
      await this.#store[Symbol.asyncDispose]();
      await replaceState(directory, index);
      this.#store = await openStore(this.#options, STATE);
      return installed;
    });
    this.#step(async () => {
      await rm(join(directory, REPLACED), { recursive: true, force: true });
    });
  }

  discard(): void {
    this.#attempt += 1;
    this.#step(async () => {
      await this.#closeStaging();
      await removeLeftovers(this.#options.directory);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#attempt += 1;
    await this.#steps;
    await this.#closeStaging();
    await this.#store[Symbol.asyncDispose]();
  }

  /** @param work Returns whom to tell, unless something has put an end to it meanwhile. */
  #step(work: () => Promise<(() => void) | void>): void {
    const attempt = this.#attempt;
    this.#steps = this.#steps.then(async () => {
      const done = await work();
      if (done !== undefined && attempt === this.#attempt) done();
    });
  }

  async #closeStaging(): Promise<void> {
    const staging = this.#staging;
    this.#staging = undefined;
    await staging?.[Symbol.asyncDispose]();
  }
}

function openStore<Column extends string>(
  { directory, ...options }: RocksSnapshotStorageOptions<Column>,
  name: string,
): Promise<RocksKeyValueStore<Column>> {
  return RocksKeyValueStore.open({ ...options, directory: join(directory, name), createIfMissing: true });
}

/** May be repeated after a crash at any point of it. */
async function replaceState(directory: string, index: LogIndex): Promise<void> {
  await rm(join(directory, REPLACED), { recursive: true, force: true });
  if (existsSync(join(directory, STATE))) await rename(join(directory, STATE), join(directory, REPLACED));
  await rename(join(directory, `${SEALED_PREFIX}${index}`), join(directory, STATE));
  await syncDirectory(directory);
}

async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name === INCOMING || name === REPLACED || name.startsWith(SEALED_PREFIX))
      await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, "r");
  await handle.sync();
}
