import type { Revision } from "@quorate/mvcc";
import { STATE_COLUMNS, type Command, type CommittedEntry, type StateColumn } from "@quorate/state-machine";
import { MemoryDisk, MemoryKeyValueStore } from "@quorate/storage";
import {
  compareOf,
  deleteRequest,
  putRequest,
  rangeRequest,
  txnRequest,
} from "../../libs/mvcc/src/testing/requests";
import { StateMachine } from "../../libs/state-machine/src/state-machine";
import { StateFixture } from "../../libs/state-machine/src/testing/state-fixture";

const put = (key: string, value = "v"): Command => ({ kind: "put", request: putRequest(key, value) });
const del = (key: string): Command => ({ kind: "delete-range", request: deleteRequest(key) });
const compact = (revision: number): Command => ({
  kind: "compact",
  request: { revision: revision as Revision, physical: false },
});

/** A member's state on a disk that loses what was not synced. */
class CrashingState {
  readonly disk = new MemoryDisk<StateColumn>(STATE_COLUMNS);
  machine: StateMachine;
  #store: MemoryKeyValueStore<StateColumn>;

  constructor() {
    this.#store = new MemoryKeyValueStore(this.disk);
    this.machine = new StateMachine({}, { view: this.#store });
  }

  apply(entries: readonly CommittedEntry[]): void {
    const batch = this.#store.batch();
    this.machine.apply(entries, batch);
    batch.write({ sync: false });
  }

  /** @returns Whether there is more to do. */
  compactStep(budget: number): boolean {
    const batch = this.#store.batch();
    const more = this.machine.compactStep(batch, budget);
    batch.write({ sync: false });
    return more;
  }

  crash(keepUnsynced: number): void {
    this.disk.crash(keepUnsynced);
    this.#store = new MemoryKeyValueStore(this.disk);
    this.machine = new StateMachine({}, { view: this.#store });
  }
}

const entriesOf = (...commands: Command[]): CommittedEntry[] =>
  commands.map((command, at) => ({ index: at + 1, term: 1, commands: [command] }));

/** What only one application of each entry leads to: every one depends on the one before. */
const guarded = (from: number): Command => ({
  kind: "txn",
  request: txnRequest({
    compare: [compareOf("k", { kind: "version", operand: from })],
    success: [{ kind: "put", request: putRequest("k", `${from + 1}`) }],
    failure: [{ kind: "put", request: putRequest("failed", "x") }],
  }),
});

describe("applying", () => {
  it("etcd #13766: whatever a crash leaves of the state, the log is applied to it once, no entry twice or never", () => {
    const entries = entriesOf(guarded(0), guarded(1), del("failed"), guarded(2), put("other"));
    const expected = new CrashingState();
    expected.apply(entries);
    for (let kept = 0; kept <= entries.length; kept += 1) {
      const state = new CrashingState();
      for (const entry of entries) state.apply([entry]);
      state.crash(kept);
      // The index says how far the state is: they are of one batch.
      expect(state.machine.position.index).toBe(kept);
      state.apply(entries); // the log again, from its beginning
      expect(state.machine.position).toEqual(expected.machine.position);
    }
  });

  it("etcd #14685, #14730: housekeeping between entries does not let any be applied twice after a crash", () => {
    const entries = entriesOf(guarded(0), guarded(1), guarded(2), compact(3), guarded(3), guarded(4));
    const expected = new CrashingState();
    expected.apply(entries);
    for (let kept = 0; kept < 12; kept += 1) {
      const state = new CrashingState();
      for (const entry of entries) {
        state.apply([entry]);
        state.compactStep(1);
      }
      state.crash(Math.min(kept, state.disk.unsyncedBatches));
      state.apply(entries);
      while (state.compactStep(2));
      expect(state.machine.position).toEqual(expected.machine.position);
    }
  });

  it("etcd #18667: a transaction that reads a revision there is not fails on every member, asked there or not", () => {
    const impossible: Command = {
      kind: "txn",
      request: txnRequest({
        success: [
          { kind: "range", request: rangeRequest("k", undefined, { revision: 10 as Revision }) },
          { kind: "put", request: putRequest("k", "must not be there") },
        ],
      }),
    };
    const [one, other] = [new StateFixture(), new StateFixture()];
    // One member has somebody to answer, the other does not: the state machine is not told who asked.
    const { outcomes } = one.apply([one.entry(impossible)]);
    other.apply([other.entry(impossible)]);
    expect(outcomes).toMatchObject([[{ ok: false, error: { code: "future-revision" } }]]);
    expect(one.rows("latest")).toEqual([]);
    expect(other.machine.position).toEqual(one.machine.position);
    expect(other.rows("latest")).toEqual(one.rows("latest"));
  });

  it("etcd #8214: a guarded write compares and writes in one step, so no change can come between", () => {
    const state = new StateFixture();
    state.apply([state.entry(guarded(0), guarded(0), guarded(1))]); // three clients, two of which saw the same version
    const { outcomes } = state.apply([state.entry(guarded(2))]);
    expect(outcomes).toMatchObject([[{ ok: true, response: { response: { succeeded: true } } }]]);
    expect(state.machine.position.revision).toBe(5);
  });
});

describe("compaction", () => {
  const history = [put("a"), put("b"), put("c"), del("a"), del("b"), del("c")]; // revisions 2 to 7

  it("etcd #17780, #16693: the revision does not fall when a crash cuts a compaction of deletes at the newest revision", () => {
    for (let kept = 0; kept < 20; kept += 1) {
      const state = new CrashingState();
      for (const entry of entriesOf(...history, compact(7))) state.apply([entry]);
      state.crash(state.disk.unsyncedBatches); // all of the log is applied
      while (state.compactStep(1));
      state.crash(Math.min(kept, state.disk.unsyncedBatches));
      expect(state.machine.position).toMatchObject({ index: 7, revision: 7, compactRevision: 7 });
      state.apply([{ index: 8, term: 1, commands: [put("d")] }]);
      expect(state.machine.position.revision).toBe(8);
    }
  });

  it("etcd #18089: a delete at the compacted revision can still be watched", () => {
    const state = new StateFixture();
    state.apply([state.entry(...history.slice(0, 4))]); // ends with the delete of a, at 5
    state.apply([state.entry(compact(5))]);
    state.compactFully();
    expect(state.events(5)).toMatchObject([{ main: 5, kind: "delete" }]);
  });

  it("etcd #19179: also if the compaction was cut by a crash and went on after it, and if nothing else is left of the key", () => {
    for (let steps = 0; steps < 8; steps += 1) {
      const state = new StateFixture();
      state.apply([state.entry(...history.slice(0, 3), del("a"))]);
      state.apply([state.entry(compact(5))]);
      for (let step = 0; step < steps; step += 1) state.compactStep(1);
      state.restart();
      state.compactFully();
      state.apply([state.entry(put("later"))]);
      state.compactFully();
      expect(state.events(5)).toMatchObject([
        { main: 5, kind: "delete" },
        { main: 6, kind: "put" },
      ]);
    }
  });

  it("etcd #8214: a compaction that one member takes every member takes, also one that lags behind", () => {
    const entries = entriesOf(...history, compact(6), put("d"), compact(100), compact(3));
    const [ahead, behind] = [new CrashingState(), new CrashingState()];
    ahead.apply(entries);
    for (const entry of entries) behind.apply([entry]); // at its own pace
    expect(behind.machine.position).toEqual(ahead.machine.position);
    expect(ahead.machine.position).toMatchObject({ compactRevision: 6, revision: 8 });
  });
});
