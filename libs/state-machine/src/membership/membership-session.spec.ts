import type { MemberId } from "@quorate/raft";
import { putRequest } from "../../../mvcc/src/testing/requests";
import { StateFixture } from "../testing/state-fixture";
import type { Command } from "../types";
import type { ClusterMember, MembershipChange } from "./membership";

const memberOf = (id: bigint): ClusterMember => ({
  id: id as MemberId,
  name: `n${id}`,
  peerUrls: [`http://n${id}`],
  clientUrls: [],
});
const change = (change: MembershipChange, changeId = 0n): Command => ({
  kind: "membership",
  request: { changeId, change },
});
const found = change({
  kind: "found",
  clusterId: 0xcn,
  members: [memberOf(1n), memberOf(0xffff_ffff_ffff_ffffn)],
});
const add = change({ kind: "add", member: memberOf(3n), learner: true, learnersMax: 1 }, 5n);
const put: Command = { kind: "put", request: putRequest("a") };

describe("the membership in applied state", () => {
  it("survives a restart, ids of 64 bits and all", () => {
    const state = new StateFixture();
    state.apply([state.entry(found)]);
    const { membership } = state.apply([state.entry(add)]);
    state.restart();
    expect(state.machine.membership).toEqual(membership);
    expect(state.machine.membership.configuration).toEqual({
      incoming: [1n, 0xffff_ffff_ffff_ffffn],
      outgoing: [],
      learners: [3n],
    });
  });

  it("is unknown in a store of before memberships were kept, and founded by the next leader", () => {
    const state = new StateFixture();
    state.apply([state.entry(put)]);
    state.restart();
    expect(state.machine.membership.founded).toBe(false);
    expect(state.apply([state.entry(found)]).membership?.founded).toBe(true);
  });

  it("is reported when an entry was about it, even if the entry was refused", () => {
    const state = new StateFixture();
    state.apply([state.entry(found)]);
    expect(state.apply([state.entry(put)]).membership).toBeUndefined();
    const { outcomes, membership } = state.apply([
      state.entry(change({ kind: "promote", id: 1n as MemberId })),
    ]);
    expect(outcomes).toEqual([[{ ok: false, error: { code: "member-not-learner" } }]]);
    expect(membership?.configuration.incoming).toHaveLength(2);
  });

  it("uses up no revision and writes no event", () => {
    const state = new StateFixture();
    const { events } = state.apply([state.entry(found), { index: 2, term: 1, commands: [add] }]);
    expect(events).toEqual([]);
    expect(state.machine.position).toMatchObject({ index: 2, revision: 1 });
  });

  it("is part of the effect hash, however entries are batched", () => {
    const apart = new StateFixture();
    apart.apply([apart.entry(found)]);
    apart.apply([apart.entry(add)]);
    apart.apply([apart.entry(put)]);
    const together = new StateFixture();
    together.apply([found, add, put].map((command, at) => ({ index: at + 1, term: 1, commands: [command] })));
    expect(together.machine.position).toEqual(apart.machine.position);
    expect(together.rows("meta")).toEqual(apart.rows("meta"));

    const other = new StateFixture();
    const another = change({ kind: "add", member: memberOf(4n), learner: true, learnersMax: 1 }, 5n);
    other.apply(
      [found, another, put].map((command, at) => ({ index: at + 1, term: 1, commands: [command] })),
    );
    expect(other.machine.position.effectHash).not.toBe(apart.machine.position.effectHash);
  });
});
