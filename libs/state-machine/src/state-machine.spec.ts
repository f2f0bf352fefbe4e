import type { RequestOp, Revision } from "@quorate/mvcc";
import {
  bytes,
  compareOf,
  deleteRequest,
  lease,
  putRequest,
  rangeRequest,
  txnRequest,
} from "../../mvcc/src/testing/requests";
import { StateFixture } from "./testing/state-fixture";
import type { Command, CommandOutcome } from "./types";

const put = (key: string, value = "v"): Command => ({ kind: "put", request: putRequest(key, value) });
const del = (key: string, end?: string): Command => ({
  kind: "delete-range",
  request: deleteRequest(key, end),
});
const compact = (revision: number): Command => ({
  kind: "compact",
  request: { revision: revision as Revision, physical: false },
});

function applied(state: StateFixture, ...commands: Command[]): readonly CommandOutcome[] {
  return state.apply([state.entry(...commands)]).outcomes[0]!;
}

describe("StateMachine", () => {
  it("starts at revision 1 with nothing applied", () => {
    expect(new StateFixture().machine.position).toEqual({
      index: 0,
      term: 0,
      revision: 1,
      compactRevision: -1,
      effectHash: 0,
    });
  });

  it("gives every command that changes something one revision", () => {
    const state = new StateFixture();
    const txn: RequestOp = {
      kind: "txn",
      request: txnRequest({
        success: [
          { kind: "put", request: putRequest("c") },
          { kind: "put", request: putRequest("d") },
        ],
      }),
    };
    const { events } = state.apply([state.entry(put("a"), del("x"), put("a"), txn)]);
    expect(events.map((event) => [event.main, event.sub])).toEqual([
      [2, 0],
      [3, 0],
      [4, 0],
      [4, 1],
    ]);
    expect(state.machine.position.revision).toBe(4);
  });

  it("skips entries that are applied already and answers the rest", () => {
    const state = new StateFixture();
    const first = state.entry(put("a"));
    state.apply([first]);
    const position = state.machine.position;
    expect(state.apply([first])).toEqual({
      outcomes: [[]],
      events: [],
      leases: [],
      effectHashes: [],
    });
    expect(state.machine.position).toBe(position);
    const { outcomes, events } = state.apply([first, { index: 2, term: 3, commands: [put("b")] }]);
    expect(outcomes.map((list) => list.length)).toEqual([0, 1]);
    expect(events).toHaveLength(1);
    expect(state.machine.position).toMatchObject({ index: 2, term: 3, revision: 3 });
  });

  it("refuses a gap", () => {
    const state = new StateFixture();
    expect(() => state.apply([{ index: 2, term: 1, commands: [] }])).toThrow("without a gap");
  });

  it("moves index, term and effect hash for an entry without commands", () => {
    const state = new StateFixture();
    state.apply([{ index: 1, term: 7, commands: [] }]);
    const { effectHash, ...rest } = state.machine.position;
    expect(rest).toEqual({ index: 1, term: 7, revision: 1, compactRevision: -1 });
    expect(effectHash).not.toBe(0);
  });

  it("goes on after a restart where the store says", () => {
    const state = new StateFixture();
    applied(state, put("a"), put("b"), compact(2));
    const before = state.machine.position;
    state.restart();
    expect(state.machine.position).toEqual(before);
    expect(applied(state, put("a"))[0]).toMatchObject({ ok: true, response: { response: { revision: 4 } } });
  });

  it("looks up the keys of all puts of a batch with one call", () => {
    const state = new StateFixture();
    applied(state, put("a"), put("b"));
    const before = state.view.lookups;
    state.apply([
      { index: 2, term: 1, commands: [put("a"), put("c"), del("b")] },
      { index: 3, term: 1, commands: [put("a"), put("d")] },
    ]);
    expect(state.view.lookups - before).toBe(1);
  });

  it.each<[string, Command, string]>([
    [
      "a put with a lease",
      { kind: "put", request: putRequest("a", "", { lease: lease(5n) }) },
      "lease-not-found",
    ],
    [
      "keeping the value of a missing key",
      { kind: "put", request: putRequest("x", "", { ignoreValue: true }) },
      "key-not-found",
    ],
    [
      "keeping the lease of a missing key",
      { kind: "put", request: putRequest("x", "", { ignoreLease: true }) },
      "key-not-found",
    ],
    ["a compaction into the future", compact(9), "future-revision"],
    ["a compaction at what is compacted", compact(1), "compacted"],
    ["a compaction below everything", compact(-1), "compacted"],
  ])("refuses %s and changes nothing", (_what, command, code) => {
    const state = new StateFixture();
    applied(state, put("a"), compact(1));
    const rows = state.rows("latest");
    expect(applied(state, command)).toMatchObject([{ ok: false, error: { code } }]);
    expect(state.machine.position).toMatchObject({ revision: 2, compactRevision: 1, index: 2 });
    expect(state.rows("latest")).toEqual(rows);
  });

  it("accepts a first compaction at 0", () => {
    const state = new StateFixture();
    expect(applied(state, compact(0))).toMatchObject([{ ok: true, response: { response: { revision: 1 } } }]);
    expect(applied(state, compact(0))).toMatchObject([
      { ok: false, error: { code: "compacted", compacted: 0 } },
    ]);
  });

  it("hashes what commands did: another outcome, another hash", () => {
    const hashes = [
      put("a"),
      put("a", "w"),
      put("b"),
      del("a"),
      compact(1),
      compact(0),
      compact(-1),
      compact(9),
    ].map((command) => {
      const state = new StateFixture();
      applied(state, command);
      return state.machine.position.effectHash;
    });
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe("StateMachine.read", () => {
  const rangeAt = (revision: number): { kind: "range"; request: ReturnType<typeof rangeRequest> } => ({
    kind: "range",
    request: rangeRequest("a", "z", { revision: revision as Revision }),
  });

  it("reads between the compact revision and the current one, both included", () => {
    const state = new StateFixture();
    applied(state, put("a"), put("b"), put("c"), compact(3));
    expect(state.machine.read(rangeAt(2))).toEqual({
      ok: false,
      error: { code: "compacted", requested: 2, compacted: 3 },
    });
    expect(state.machine.read(rangeAt(3))).toMatchObject({ ok: true, response: { count: 2, revision: 4 } });
    expect(state.machine.read(rangeAt(4))).toMatchObject({ ok: true, response: { count: 3 } });
    expect(state.machine.read(rangeAt(-5))).toMatchObject({ ok: true, response: { count: 3 } });
    expect(state.machine.read(rangeAt(5))).toEqual({
      ok: false,
      error: { code: "future-revision", requested: 5, current: 4 },
    });
  });

  it("runs a read-only transaction at the current revision", () => {
    const state = new StateFixture();
    applied(state, put("a"));
    const request = txnRequest({
      compare: [compareOf("a", { kind: "value", operand: bytes("v") })],
      success: [{ kind: "range", request: rangeRequest("a") }],
    });
    expect(state.machine.read({ kind: "txn", request })).toMatchObject({
      ok: true,
      response: {
        revision: 2,
        succeeded: true,
        responses: [{ kind: "range", response: { revision: 2, count: 1 } }],
      },
    });
  });

  it("refuses to run a transaction that may write", () => {
    const request = txnRequest({ failure: [{ kind: "put", request: putRequest("a") }] });
    expect(() => new StateFixture().machine.read({ kind: "txn", request })).toThrow("goes through the log");
  });
});

describe("StateMachine.compactStep", () => {
  it("goes on after a restart in the middle and says when it is done", () => {
    const state = new StateFixture();
    for (let n = 0; n < 5; n += 1) applied(state, put("k"));
    expect(state.compactStep(2)).toBe(false);
    applied(state, compact(6));
    expect(state.compactStep(3)).toBe(true);
    state.restart();
    expect(state.compactStep(3)).toBe(true);
    expect(state.compactStep(1000)).toBe(false);
    state.restart();
    expect(state.compactStep(1000)).toBe(false);
    expect([state.rows("history").length, state.rows("event").length]).toEqual([0, 1]);
  });
});
