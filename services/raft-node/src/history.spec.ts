import { utf8 } from "@quorate/base";
import { NO_LEASE, type Revision } from "@quorate/mvcc";
import { decodeHistoryResponse, mvccpb, type HistoryResponse } from "@quorate/wire";
import { StateFixture } from "../../../libs/state-machine/src/testing/state-fixture";
import { encodeHistory } from "./history";

function put(key: string, value: string) {
  const options = { lease: NO_LEASE, prevKv: false, ignoreValue: false, ignoreLease: false };
  return { kind: "put" as const, request: { key: utf8(key), value: utf8(value), ...options } };
}

/** Revisions 2 to 7: five puts, among them a transaction of two, and a delete. */
function written(): StateFixture {
  const state = new StateFixture();
  state.apply([state.entry(put("a", "1"), put("b", "2"))]);
  const success = [put("a", "3"), put("c", "4")];
  state.apply([state.entry({ kind: "txn", request: { compare: [], success, failure: [] } }, put("a", "5"))]);
  const range = { key: utf8("a"), rangeEnd: undefined, prevKv: false };
  state.apply([state.entry({ kind: "delete-range", request: range }, put("a", "6"))]);
  return state;
}

function read(state: StateFixture, from: number, bytesMax = 1_000_000): HistoryResponse {
  const request = { from: from as Revision, bytesMax };
  return decodeHistoryResponse(encodeHistory(state.view, request, state.machine.position));
}

function describeEvents(response: HistoryResponse): string[] {
  if (response.kind === "compacted") return [`compacted ${response.compactRevision}`];
  return response.events.map(({ kind, key, main, bytes }) => {
    const { prevKv } = mvccpb.Event.decode(bytes);
    return `${main} ${kind} ${key} was ${prevKv == null ? "-" : Buffer.from(prevKv.value!).toString()}`;
  });
}

describe("encodeHistory", () => {
  it("tells everything from a revision on, with what was there before", () => {
    const response = read(written(), 4);
    expect(response).toMatchObject({ kind: "events", next: 8, revision: 7, compactRevision: -1 });
    expect(describeEvents(response)).toEqual([
      "4 put a was 1",
      "4 put c was -",
      "5 put a was 3",
      "6 delete a was 5",
      "7 put a was -",
    ]);
  });

  it("stops behind the revision that reaches the limit, and never inside one", () => {
    const state = written();
    expect(read(state, 2, 1)).toMatchObject({ next: 3, events: [{ main: 2 }] });
    expect(read(state, 4, 1)).toMatchObject({ next: 5, events: [{ main: 4 }, { main: 4 }] });
    expect(read(state, 7, 1)).toMatchObject({ next: 8, events: [{ main: 7 }] });
  });

  it("is empty where nothing has happened yet, and never goes back", () => {
    expect(read(written(), 8)).toMatchObject({ next: 8, events: [] });
    expect(read(written(), 20)).toMatchObject({ next: 20, events: [] });
  });

  it("begins at the compacted revision at the earliest, and has no previous values from before it", () => {
    const state = written();
    state.apply([state.entry({ kind: "compact", request: { revision: 6 as Revision, physical: false } })]);
    expect(describeEvents(read(state, 5))).toEqual(["compacted 6"]);
    const before = describeEvents(read(state, 6));
    state.compactFully();
    expect(before).toEqual(["6 delete a was -", "7 put a was -"]);
    expect(describeEvents(read(state, 6))).toEqual(before);
  });
});
