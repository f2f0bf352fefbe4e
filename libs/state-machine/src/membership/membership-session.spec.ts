import type { MemberId } from "@quorate/raft";
import { putRequest } from "../../../mvcc/src/testing/requests";
import { StateFixture } from "../testing/state-fixture";
import { StateMachine } from "../state-machine";
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
/** After `found`, `add` and `publish`. */
const FIRST_VERSION_HASH = 2484101674;
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

  const raise = change({ kind: "raise-version", version: 2 });
  const publish = change({
    kind: "publish",
    id: 1n as MemberId,
    name: "n1",
    clientUrls: ["http://c"],
    clusterVersionMax: 2,
  });

  it("has the same effects under the first cluster version as in builds that knew no other", () => {
    // The number is what the build of before cluster versions came to with the same entries.
    const state = new StateFixture();
    for (const command of [found, add, publish]) state.apply([state.entry(command)]);
    expect(state.machine.position.effectHash).toBe(FIRST_VERSION_HASH);
  });

  it("keeps the cluster version over a restart", () => {
    const state = new StateFixture();
    for (const command of [found, raise, publish]) state.apply([state.entry(command)]);
    state.restart();
    expect(state.machine.membership).toMatchObject({
      clusterVersion: 2,
      members: [{ clusterVersionMax: 2 }, {}],
    });
  });

  it("stops a build that cannot apply the cluster version, with nothing written", () => {
    const state = new StateFixture({ clusterVersionMax: 1 });
    state.apply([state.entry(found)]);
    const before = state.rows("meta");
    expect(() => state.apply([state.entry(put), { index: 3, term: 1, commands: [raise] }])).toThrow(
      "The cluster is at version 2, and this build applies entries up to version 1",
    );
    expect(state.rows("meta")).toEqual(before);
  });

  it("keeps such a build from opening the state, too", () => {
    const state = new StateFixture();
    for (const command of [found, raise]) state.apply([state.entry(command)]);
    expect(() => new StateMachine({ clusterVersionMax: 1 }, { view: state.view })).toThrow(
      expect.objectContaining({ code: "unsupported-version" }),
    );
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
