import { crcChainHash, type LogIndex } from "@quorate/raft";
import { StorageCorruptionError, type LogStorage } from "@quorate/storage";
import { SCRUB_STEP_BYTES, SCRUB_STEP_ROWS, type ScrubPass } from "./scrub";

/** Every entry of the log: its own checksum, and that its chain hash continues the one of the entry before it. */
export class LogPass implements ScrubPass {
  readonly #storage: Pick<LogStorage, "extent" | "read">;
  #next = 1;

  constructor(storage: Pick<LogStorage, "extent" | "read">) {
    this.#storage = storage;
  }

  step(): { readonly rows: number; readonly bytes: number } | undefined {
    const { compacted, chain, last } = this.#storage.extent;
    const from = Math.max(compacted.index + 1, this.#next);
    if (from > last) return undefined;
    // Not remembered from the last step: meanwhile the log may have been cut and written anew.
    let before = from === compacted.index + 1 ? chain : this.#read(from - 1, from - 1)[0]!.chain;
    let bytes = 0;
    const entries = this.#read(from, Math.min(last, from + SCRUB_STEP_ROWS - 1));
    for (const entry of entries) {
      if (crcChainHash(before, entry) !== entry.chain) {
        throw new StorageCorruptionError(
          `log entry ${entry.index} does not continue the log: its chain hash is another one`,
        );
      }
      before = entry.chain;
      bytes += entry.data.length;
    }
    this.#next = from + entries.length;
    return { rows: entries.length, bytes };
  }

  #read(from: number, to: number): ReturnType<LogStorage["read"]> {
    return this.#storage.read(from as LogIndex, to as LogIndex, SCRUB_STEP_BYTES);
  }
}
