import { EMPTY_BYTES } from "@quorate/base";
import type { StateColumn, StateMachine } from "@quorate/state-machine";
import type { KeyValueStore } from "@quorate/storage";
import { chainChunk, encodeSnapshotChunk, encodeSnapshotRows, type ColumnRows } from "@quorate/wire";

/** As raft-nodes hand it out for backups. */
const COLUMNS: readonly StateColumn[] = ["meta", "lease", "latest", "history", "event"];

/** The rows of a store, in sections of at most so many. */
export function sectionsOf(store: KeyValueStore<StateColumn>, rowsMax: number): ColumnRows[] {
  return COLUMNS.flatMap((column) => {
    const sections: { column: string; keys: Uint8Array[]; values: Uint8Array[] }[] = [];
    using rows = store.scan(column, EMPTY_BYTES, undefined);
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      let last = sections.at(-1);
      if (last === undefined || last.keys.length === rowsMax) {
        last = { column, keys: [], values: [] };
        sections.push(last);
      }
      last.keys.push(row.key);
      last.values.push(row.value);
    }
    return sections;
  });
}

/** Encoded SnapshotChunks of a transfer. */
export function chunksOf(
  transfer: number,
  store: KeyValueStore<StateColumn>,
  position: StateMachine["position"],
  rowsMax: number,
): Uint8Array[] {
  const sections = sectionsOf(store, rowsMax);
  let chain = EMPTY_BYTES;
  const rows = sections.reduce((sum, { keys }) => sum + keys.length, 0);
  return sections.map((section, sequence) => {
    const encoded = encodeSnapshotRows([section]);
    chain = chainChunk(chain, encoded);
    const summary = sequence === sections.length - 1 ? { ...position, rows, bytes: 0 } : undefined;
    return encodeSnapshotChunk({ transfer, sequence, rows: encoded, chain, summary });
  });
}
