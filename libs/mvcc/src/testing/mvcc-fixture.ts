import { textOf } from "@quorate/base";
import { MemoryKeyValueStore } from "@quorate/storage";
import { EventRecorder } from "../event-recorder";
import type { Event, KeyValue, Revision } from "../types";
import type { MvccColumn, RowIterator, ScanOptions } from "../view";
import { WriteSession } from "../write-session";

/** Calls that a test may want to count: what they cost is part of the design. */
export interface ScanCall {
  readonly column: MvccColumn;
  readonly keysOnly: boolean;
  seeks: number;
  rows: number;
}

/** A store in memory with the three MVCC columns, written through sessions; counts what scans do. */
export class MvccFixture {
  readonly store = new MemoryKeyValueStore<MvccColumn>(["latest", "history", "event"]);
  readonly #recorder: EventRecorder;
  scans: ScanCall[] = [];
  revision = 1 as Revision;
  compactRevision = -1 as Revision;

  constructor(rowBytesMax = 1 << 20) {
    this.#recorder = new EventRecorder({ rowBytesMax });
  }

  /** Runs each command at a revision of its own, all in one batch. Returns the events. */
  write(...commands: ((session: WriteSession) => unknown)[]): readonly Event[] {
    const session = this.session();
    for (const command of commands) {
      session.begin();
      command(session);
      session.end();
    }
    this.commit(session);
    return session.events;
  }

  session(): WriteSession {
    return new WriteSession(this, { view: this, recorder: this.#recorder });
  }

  commit(session: WriteSession): void {
    const batch = this.store.batch();
    const before = this.bytes;
    const growth = session.flush(batch);
    batch.write({ sync: false });
    if (this.bytes - before !== growth)
      throw new Error(`The store grew by ${this.bytes - before}, not by ${growth}`);
    this.revision = session.revision;
  }

  get(column: MvccColumn, key: Uint8Array): Uint8Array | undefined {
    return this.store.get(column, key);
  }

  getMany(column: MvccColumn, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    return this.store.getMany(column, keys);
  }

  scan(
    column: MvccColumn,
    from: Uint8Array,
    to: Uint8Array | undefined,
    options: ScanOptions = {},
  ): RowIterator {
    const call: ScanCall = { column, keysOnly: options.keysOnly === true, seeks: 0, rows: 0 };
    this.scans.push(call);
    const rows = this.store.scan(column, from, to, options);
    return {
      next: () => {
        const row = rows.next();
        if (row !== undefined) call.rows += 1;
        return row;
      },
      seek: (key) => {
        call.seeks += 1;
        rows.seek(key);
      },
      [Symbol.dispose]: () => rows[Symbol.dispose](),
    };
  }

  /** Of all rows, keys and values. */
  get bytes(): number {
    let bytes = 0;
    for (const column of ["latest", "history", "event"] as const) {
      using rows = this.store.scan(column, new Uint8Array(0), undefined);
      for (let row = rows.next(); row !== undefined; row = rows.next())
        bytes += row.key.length + row.value.length;
    }
    return bytes;
  }

  count(column: MvccColumn): number {
    const rows = this.store.scan(column, new Uint8Array(0), undefined);
    let count = 0;
    while (rows.next() !== undefined) count += 1;
    rows[Symbol.dispose]();
    return count;
  }
}

/** "key=value" for each, which is what most tests want to see. */
export function shown(kvs: readonly KeyValue[]): string[] {
  return kvs.map((kv) => `${textOf(kv.key)}=${textOf(kv.value)}`);
}
