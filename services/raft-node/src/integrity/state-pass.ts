import { concatBytes, EMPTY_BYTES } from "@quorate/base";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import type { KeyValueStore } from "@quorate/storage";
import { SCRUB_STEP_BYTES, SCRUB_STEP_ROWS, type ScrubPass } from "./scrub";

/** The least key after one that was read. */
const NEXT = new Uint8Array(1);

/**
 * Every row of the applied state. The engine checks each block that it reads against its checksum. No iterator is held between
 * steps: it would keep the engine from giving space back.
 */
export class StatePass implements ScrubPass {
  readonly #store: KeyValueStore<StateColumn>;
  #column = 0;
  #from = EMPTY_BYTES;

  constructor(store: KeyValueStore<StateColumn>) {
    this.#store = store;
  }

  step(): { readonly rows: number; readonly bytes: number } | undefined {
    const column = STATE_COLUMNS[this.#column];
    if (column === undefined) return undefined;
    using iterator = this.#store.scan(column, this.#from, undefined);
    let rows = 0;
    let bytes = 0;
    while (rows < SCRUB_STEP_ROWS && bytes < SCRUB_STEP_BYTES) {
      const row = iterator.next();
      if (row === undefined) {
        this.#column += 1;
        this.#from = EMPTY_BYTES;
        break;
      }
      rows += 1;
      bytes += row.key.length + row.value.length;
      this.#from = concatBytes([row.key, NEXT]);
    }
    return { rows, bytes };
  }
}
