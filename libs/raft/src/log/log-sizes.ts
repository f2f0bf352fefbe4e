import type { Entry, LogIndex } from "../types";
import { entrySize } from "./entry-size";

/** Entries are counted in groups of about this many bytes: the answer need not be finer, and memory stays small. */
const GROUP_BYTES = 64 * 1024;

interface Group {
  readonly first: LogIndex;
  bytes: number;
}

/** How heavy the end of the log is. Entries from before the start that were not loaded are not counted. */
export class LogSizes {
  #groups: Group[] = [];

  append(entry: Entry): void {
    const last = this.#groups[this.#groups.length - 1];
    if (last === undefined || last.bytes >= GROUP_BYTES) {
      this.#groups.push({ first: entry.index, bytes: entrySize(entry) });
    } else last.bytes += entrySize(entry);
  }

  /** The group that is cut keeps its weight: too high an answer for a while, which errs on the side of a smaller log. */
  truncateFrom(index: LogIndex): void {
    while (this.#groups.length > 0 && this.#groups[this.#groups.length - 1]!.first >= index)
      this.#groups.pop();
  }

  compactTo(index: LogIndex): void {
    const kept = this.#groups.findIndex((_, at) => (this.#groups[at + 1]?.first ?? Infinity) > index + 1);
    this.#groups = kept === -1 || index === Infinity ? [] : this.#groups.slice(kept);
  }

  /** The first index of the longest run of groups up to the end that weighs at most `bytesMax`; 0 if all do. */
  firstWithin(bytesMax: number): LogIndex {
    let bytes = 0;
    for (let at = this.#groups.length - 1; at >= 0; at -= 1) {
      bytes += this.#groups[at]!.bytes;
      if (bytes > bytesMax) return (this.#groups[at + 1]?.first ?? Infinity) as LogIndex;
    }
    return 0 as LogIndex;
  }
}
