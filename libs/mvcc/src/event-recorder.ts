import { ByteWriter } from "./byte-writer";
import { encodeEvent, eventRow, eventRowKey } from "./event-row";
import type { Event, Revision } from "./types";
import type { WriteBatch } from "./view";

const KEEP_BYTES_MAX = 4 << 20;

interface RowStart {
  readonly offset: number;
  readonly main: Revision;
  readonly sub: number;
}

export interface EventRecorderOptions {
  /** Bytes of events after which a row is cut; one larger event still makes one row. */
  readonly rowBytesMax: number;
}

/** Encodes the events of one apply batch as they happen and writes them as one row, or several if they are large. */
export class EventRecorder {
  readonly #rowBytesMax: number;
  readonly #writer = new ByteWriter();
  #rows: RowStart[] = [];

  constructor(options: EventRecorderOptions) {
    this.#rowBytesMax = options.rowBytesMax;
  }

  /** Encoded bytes so far: a position for `encoded`. */
  get length(): number {
    return this.#writer.length;
  }

  append(event: Event): void {
    const start = this.#writer.length;
    encodeEvent(this.#writer, event);
    const row = this.#rows.at(-1);
    if (row === undefined || (this.#writer.length - row.offset > this.#rowBytesMax && start > row.offset)) {
      this.#rows.push({ offset: start, main: event.main, sub: event.sub });
    }
  }

  /** The canonical bytes of the events from position `from` on, independent of how they are cut into rows. */
  encoded(from: number): Uint8Array {
    return this.#writer.view(from, this.#writer.length);
  }

  /** Puts the rows into `batch` and starts anew. @returns the bytes of the rows, keys and values. */
  flush(batch: WriteBatch): number {
    const rows = this.#rows;
    let bytes = 0;
    for (const [at, row] of rows.entries()) {
      const end = rows[at + 1]?.offset ?? this.#writer.length;
      const key = eventRowKey(row.main, row.sub);
      const value = eventRow(this.#writer.view(row.offset, end));
      batch.put("event", key, value);
      bytes += key.length + value.length;
    }
    this.#rows = [];
    this.#writer.reset(KEEP_BYTES_MAX);
    return bytes;
  }
}
