import { utf8 } from "@quorate/base";
import { readEvents, type Event, type Revision } from "@quorate/mvcc";
import { MemoryKeyValueStore } from "@quorate/storage";
import { StateMachine, type StateMachineOptions } from "../state-machine";
import {
  STATE_COLUMNS,
  type ApplyResult,
  type Command,
  type CommittedEntry,
  type StateColumn,
} from "../types";
import { BorrowedBytesView } from "./borrowed-bytes-view";

/** A state machine on a store in memory, with the write after each step that its owner has to do. */
export class StateFixture {
  readonly store = new MemoryKeyValueStore<StateColumn>(STATE_COLUMNS);
  readonly view = new BorrowedBytesView(this.store);
  readonly #options: StateMachineOptions;
  machine: StateMachine;

  constructor(options: StateMachineOptions = {}) {
    this.#options = options;
    this.machine = new StateMachine(options, { view: this.view });
  }

  apply(entries: readonly CommittedEntry[]): ApplyResult {
    const batch = this.store.batch();
    const result = this.machine.apply(entries, batch);
    batch.write({ sync: false });
    return result;
  }

  /** The next entry of the log, with these commands. */
  entry(...commands: Command[]): CommittedEntry {
    return { index: this.machine.position.index + 1, term: 1, commands };
  }

  compactStep(budget: number): boolean {
    const batch = this.store.batch();
    const more = this.machine.compactStep(batch, budget);
    batch.write({ sync: false });
    return more;
  }

  compactFully(): void {
    while (this.compactStep(1000));
  }

  restart(): void {
    this.machine = new StateMachine(this.#options, { view: this.view });
  }

  events(from: number): Event[] {
    return [...readEvents(this.view, from as Revision)];
  }

  /** Makes the store one from before sizes were kept, and opens it. */
  restartWithoutSize(): void {
    const batch = this.store.batch();
    batch.del("meta", utf8("size"));
    batch.write({ sync: false });
    this.restart();
  }

  /** Counted from the rows themselves, keys and values. */
  storedBytes(): number {
    const data = STATE_COLUMNS.filter((column) => column !== "meta").flatMap((column) => this.rows(column));
    return data.reduce((sum, [key, value]) => sum + (key.length + value.length) / 2, 0);
  }

  /** All rows of a column, in hex. */
  rows(column: StateColumn): [key: string, value: string][] {
    const rows = this.store.scan(column, new Uint8Array(0), undefined);
    const found: [string, string][] = [];
    for (let row = rows.next(); row !== undefined; row = rows.next()) {
      found.push([Buffer.from(row.key).toString("hex"), Buffer.from(row.value).toString("hex")]);
    }
    rows[Symbol.dispose]();
    return found;
  }
}
