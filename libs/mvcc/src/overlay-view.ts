import { assertNever, binaryString, invariant } from "@quorate/base";
import { ByteArena } from "./byte-arena";
import { historyKey, historyRowOf } from "./history-row";
import { modOfLatest } from "./latest-row";
import { MergedRows } from "./merged-rows";
import { SortedRows, type ChangedRow } from "./sorted-rows";
import type { Revision } from "./types";
import type { MvccColumn, ReadView, RowIterator, ScanOptions, WriteBatch } from "./view";

/** A key that the batch has touched or read. Its row belongs to the overlay and is never written to in place. */
export class LatestEntry implements ChangedRow {
  row: Uint8Array | undefined;
  /** The store below has a row for the key, so that a delete must reach it. */
  readonly stored: boolean;
  /** Bytes of that row with its key; 0 without one. */
  readonly storedBytes: number;
  changed = false;
  /** The last main revision that changed the key, and the mod revision that the key had before it (0: none). */
  changedIn = 0 as Revision;
  supersededRevision = 0 as Revision;
  /** Size of the row of `history` that the last change made; 0 if it made none. */
  historyBytes = 0;

  constructor(
    readonly key: Uint8Array,
    row: Uint8Array | undefined,
  ) {
    this.row = row;
    this.stored = row !== undefined;
    this.storedBytes = row === undefined ? 0 : key.length + row.length;
  }
}

/**
 * A view with the changes of one apply batch on top, so that its commands see each other before anything is written.
 * However often a key changes, `latest` is written once; each version that leaves it becomes one row of `history`.
 */
export class OverlayView implements ReadView {
  readonly #base: ReadView;
  readonly #entries = new Map<string, LatestEntry>();
  readonly #latest = new SortedRows<LatestEntry>();
  readonly #history = new SortedRows<ChangedRow>();
  /** Where the rows of the batch live. */
  readonly arena = new ByteArena();

  constructor(base: ReadView) {
    this.#base = base;
  }

  /** Loads the rows of `keys` with one call. Keys are kept, not copied. */
  prefetch(keys: readonly Uint8Array[]): void {
    const missing = new Map<string, Uint8Array>();
    for (const key of keys) {
      const name = binaryString(key);
      if (!this.#entries.has(name) && !missing.has(name)) missing.set(name, key);
    }
    if (missing.size === 0) return;
    const rows = this.#base.getMany("latest", [...missing.values()]);
    let at = 0;
    for (const [name, key] of missing) this.#entries.set(name, new LatestEntry(key, this.#kept(rows[at++])));
  }

  /** The entry of `key`, loaded if need be. */
  entry(key: Uint8Array): LatestEntry {
    const name = binaryString(key);
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const entry = new LatestEntry(key, this.#kept(this.#base.get("latest", key)));
    this.#entries.set(name, entry);
    return entry;
  }

  /** The entry of a key that a scan of `latest` on this view has just returned with `row`: no second lookup. */
  scannedEntry(key: Uint8Array, row: Uint8Array): LatestEntry {
    const name = binaryString(key);
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const entry = new LatestEntry(key, row);
    this.#entries.set(name, entry);
    return entry;
  }

  /** Gives the key a new row, or none, at revision `main`, and keeps what that supersedes. */
  change(entry: LatestEntry, main: Revision, row: Uint8Array | undefined): void {
    entry.historyBytes = 0;
    if (entry.changedIn !== main) {
      invariant(entry.changedIn < main, "revisions of a key only rise", { changedIn: entry.changedIn, main });
      entry.changedIn = main;
      entry.supersededRevision = entry.row === undefined ? (0 as Revision) : modOfLatest(entry.row);
      // A version that begins and ends within `main` is visible at no revision: only the first change leaves a row.
      if (entry.row !== undefined) {
        const key = historyKey(entry.key, entry.supersededRevision, this.arena);
        const past = historyRowOf(entry.row, main, this.arena);
        this.#history.add({ key, row: past });
        entry.historyBytes = key.length + past.length;
      }
    }
    entry.row = row;
    if (entry.changed) return;
    entry.changed = true;
    this.#latest.add(entry);
  }

  /** Puts every change into `batch`. @returns by how many bytes that makes the store larger; may be negative. */
  flush(batch: WriteBatch): number {
    let growth = 0;
    for (const entry of this.#latest.all) {
      growth -= entry.storedBytes;
      if (entry.row !== undefined) {
        batch.put("latest", entry.key, entry.row);
        growth += entry.key.length + entry.row.length;
      } else if (entry.stored) batch.del("latest", entry.key);
    }
    for (const { key, row } of this.#history.all) {
      if (row === undefined) continue;
      batch.put("history", key, row);
      growth += key.length + row.length;
    }
    return growth;
  }

  get(column: MvccColumn, key: Uint8Array): Uint8Array | undefined {
    invariant(column === "latest", "an apply batch looks up single rows of latest only", { column });
    return this.entry(key).row;
  }

  getMany(column: MvccColumn, keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    return keys.map((key) => this.get(column, key));
  }

  scan(
    column: MvccColumn,
    from: Uint8Array,
    to: Uint8Array | undefined,
    options: ScanOptions = {},
  ): RowIterator {
    invariant(options.reverse !== true, "an apply batch scans forwards only");
    const changes = this.#changesOf(column);
    const base = this.#base.scan(column, from, to, options);
    return changes.all.length === 0 ? base : new MergedRows(base, changes, from, to);
  }

  /** What a lookup returns is the engine's until the next call. */
  #kept(row: Uint8Array | undefined): Uint8Array | undefined {
    return row === undefined ? undefined : this.arena.copy(row);
  }

  #changesOf(column: MvccColumn): SortedRows<ChangedRow> {
    switch (column) {
      case "latest":
        return this.#latest;
      case "history":
        return this.#history;
      case "event":
        invariant(false, "an apply batch does not read events");
      default:
        return assertNever(column);
    }
  }
}
