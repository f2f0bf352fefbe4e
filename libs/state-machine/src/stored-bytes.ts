import { EMPTY_BYTES } from "@quorate/base";
import { STATE_COLUMNS, type StateView } from "./types";

/** Everything but `meta`, whose few rows are no data. */
const DATA_COLUMNS = STATE_COLUMNS.filter((column) => column !== "meta");

/** Bytes of all rows of data, keys and values. Reads the whole store. */
export function countStoredBytes(view: StateView): number {
  let bytes = 0;
  for (const column of DATA_COLUMNS) {
    using rows = view.scan(column, EMPTY_BYTES, undefined);
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      bytes += row.key.length + row.value.length;
    }
  }
  return bytes;
}
