import { lease, putRequest } from "../../mvcc/src/testing/requests";
import { StateFixture } from "./testing/state-fixture";
import type { Command } from "./types";

const ID = lease(5n);
/** Of the entry with which every spec begins. */
const GRANTED_AT = 1;
const TERM = 1;

const grant: Command = { kind: "lease-grant", request: { id: ID, ttlSeconds: 100 } };
const revoke: Command = { kind: "lease-revoke", request: { id: ID } };
const expire = (sequence: number, term: number): Command => ({
  kind: "lease-expire",
  request: { id: ID, sequence, term },
});
const checkpoint = (sequence: number, term: number): Command => ({
  kind: "lease-checkpoint",
  request: { term, checkpoints: [{ id: ID, sequence, remainingSeconds: 40 }] },
});
const put = (key: string): Command => ({ kind: "put", request: putRequest(key, "v", { lease: ID }) });

/** A lease with two keys. */
function granted(): StateFixture {
  const state = new StateFixture();
  state.apply([state.entry(grant)]);
  state.apply([state.entry(put("a"), put("b"))]);
  return state;
}

describe("a lease in the log", () => {
  it("ends with all its keys at one revision", () => {
    const state = granted();
    const { events } = state.apply([state.entry(expire(GRANTED_AT, TERM))]);
    expect(events.map(({ kind, main, sub }) => [kind, main, sub])).toEqual([
      ["delete", 4, 0],
      ["delete", 4, 1],
    ]);
    expect(state.machine.leases()).toEqual([]);
  });

  it.each([
    ["another leader than the one who found it over", expire(GRANTED_AT, TERM - 1)],
    ["an earlier lease of its id", expire(GRANTED_AT - 1, TERM)],
  ])("does not end by an entry of %s", (_, command) => {
    const state = granted();
    expect(state.apply([state.entry(command)]).outcomes).toMatchObject([
      [{ response: { response: { expired: false } } }],
    ]);
    expect(state.machine.leases()).toHaveLength(1);
  });

  it("does not end by an expiry that a new lease of its id has overtaken", () => {
    const state = granted();
    state.apply([state.entry(revoke, grant)]);
    state.apply([state.entry(expire(GRANTED_AT, TERM))]);
    expect(state.machine.leases()).toMatchObject([{ id: ID, sequence: 3 }]);
  });

  it("remembers what a leader noted of its rest, if that one led when the entry was made", () => {
    const state = granted();
    for (const void_ of [checkpoint(GRANTED_AT, TERM - 1), checkpoint(GRANTED_AT + 1, TERM)]) {
      state.apply([state.entry(void_)]);
      expect(state.machine.leases()).toMatchObject([{ remainingSeconds: 0 }]);
    }
    state.apply([state.entry(checkpoint(GRANTED_AT, TERM))]);
    state.restart();
    expect(state.machine.leases()).toMatchObject([{ ttlSeconds: 100, remainingSeconds: 40 }]);
  });
});
