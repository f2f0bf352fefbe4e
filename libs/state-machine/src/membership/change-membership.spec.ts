import type { MemberId } from "@quorate/raft";
import { changeMembership } from "./change-membership";
import { UNFOUNDED, type ClusterMember, type Membership, type MembershipChange } from "./membership";

const idOf = (id: number): MemberId => BigInt(id) as MemberId;
const memberOf = (id: number, peerUrl = `http://n${id}`): ClusterMember => ({
  id: idOf(id),
  name: `n${id}`,
  peerUrls: [peerUrl],
  clientUrls: [],
});
const add = (id: number, options: { learner?: boolean; url?: string } = {}): MembershipChange => ({
  kind: "add",
  member: memberOf(id, options.url),
  learner: options.learner ?? false,
  learnersMax: 1,
});

let nextChange = 1n;

function apply(membership: Membership, ...changes: readonly MembershipChange[]): Membership {
  return changes.reduce((before, change) => {
    const result = changeMembership(before, { changeId: nextChange++, change });
    if (!result.ok) throw new Error(result.error.code);
    return result.membership;
  }, membership);
}

const three = apply(UNFOUNDED, {
  kind: "found",
  clusterId: 0xcn,
  members: [memberOf(3), memberOf(1), memberOf(2)],
});

describe("a replicated membership", () => {
  it("begins with those that the first leader names, by id", () => {
    expect(three).toMatchObject({ founded: true, clusterId: 0xcn, removed: [] });
    expect(three.members.map(({ id }) => id)).toEqual([1n, 2n, 3n]);
    expect(three.configuration).toEqual({ incoming: [1n, 2n, 3n], outgoing: [], learners: [] });
  });

  it("is founded once: what a later leader says about the beginning changes nothing", () => {
    const again = { kind: "found", clusterId: 0xdn, members: [memberOf(9)] } as const;
    expect(changeMembership(three, { changeId: 0n, change: again })).toEqual({ ok: true, membership: three });
  });

  it("adds a learner, promotes it, and removes a voter", () => {
    const four = apply(three, add(4, { learner: true }));
    expect(four.configuration.learners).toEqual([4n]);
    const promoted = apply(four, { kind: "promote", id: idOf(4) });
    expect(promoted.configuration).toEqual({ incoming: [1n, 2n, 3n, 4n], outgoing: [], learners: [] });
    const removed = apply(promoted, { kind: "remove", id: idOf(1) });
    expect(removed.members.map(({ id }) => id)).toEqual([2n, 3n, 4n]);
    expect(removed.removed).toEqual([1n]);
  });

  it("keeps a replaced voter until the joint configuration is left", () => {
    const joint = apply(three, { kind: "replace", id: idOf(3), by: memberOf(4) });
    expect(joint.configuration).toEqual({ incoming: [1n, 2n, 4n], outgoing: [1n, 2n, 3n], learners: [] });
    expect(joint.members.map(({ id }) => id)).toEqual([1n, 2n, 3n, 4n]);
    const left = apply(joint, { kind: "leave-joint" });
    expect(left.members.map(({ id }) => id)).toEqual([1n, 2n, 4n]);
    expect(left.removed).toEqual([3n]);
    expect(left.configuration).toEqual({ incoming: [1n, 2n, 4n], outgoing: [], learners: [] });
  });

  it("replaces a voter by a learner that is known, and keeps what is known of it", () => {
    const four = apply(three, add(4, { learner: true, url: "http://known" }));
    const left = apply(
      four,
      { kind: "replace", id: idOf(1), by: memberOf(4, "http://other") },
      { kind: "leave-joint" },
    );
    expect(left.members.at(-1)).toMatchObject({ id: 4n, peerUrls: ["http://known"] });
  });

  it("leaves a joint configuration once, whoever adds that", () => {
    expect(apply(three, { kind: "leave-joint" }).configuration).toEqual(three.configuration);
  });

  it("updates what is known of a member, and nobody's vote", () => {
    const updated = apply(
      three,
      { kind: "update", id: idOf(2), peerUrls: ["http://n2", "http://elsewhere"] },
      {
        kind: "publish",
        id: idOf(2),
        name: "second",
        clientUrls: ["http://clients"],
        clusterVersionMax: 2,
      },
    );
    expect(updated.members[1]).toEqual({
      id: 2n,
      name: "second",
      peerUrls: ["http://n2", "http://elsewhere"],
      clientUrls: ["http://clients"],
    });
    expect(updated.configuration).toEqual(three.configuration);
  });

  it("is at the first cluster version until that is raised, and never falls", () => {
    const raised = apply(three, { kind: "raise-version", version: 2 });
    expect([three.clusterVersion, raised.clusterVersion]).toEqual([1, 2]);
    expect(apply(raised, { kind: "raise-version", version: 1 }).clusterVersion).toBe(2);
  });

  it("does not go on above what this build can apply", () => {
    const raise: MembershipChange = { kind: "raise-version", version: 2 };
    expect(() => changeMembership(three, { changeId: 0n, change: raise }, 1)).toThrow(
      expect.objectContaining({ code: "unsupported-version" }),
    );
  });

  it("notes what its members can apply from cluster version 2 on", () => {
    const publish: MembershipChange = {
      kind: "publish",
      id: idOf(2),
      name: "n2",
      clientUrls: [],
      clusterVersionMax: 5,
    };
    expect(apply(three, publish).members[1]).not.toHaveProperty("clusterVersionMax");
    const raised = apply(three, { kind: "raise-version", version: 2 }, publish);
    expect(raised.members[1]).toHaveProperty("clusterVersionMax", 5);
  });

  it("does nothing when a change arrives again", () => {
    const request = { changeId: 77n, change: add(4) };
    const first = changeMembership(three, request);
    expect(first.ok && changeMembership(first.membership, request)).toEqual(first);
  });

  it("begins anew with a survivor, whatever was half done", () => {
    const half = apply(three, { kind: "replace", id: idOf(3), by: memberOf(4) });
    const left = apply(half, { kind: "refound", clusterId: 0xen, member: memberOf(2, "http://now") });
    expect(left).toMatchObject({
      founded: true,
      clusterId: 0xen,
      removed: [1n, 3n, 4n],
      configuration: { incoming: [2n], outgoing: [], learners: [] },
    });
    // What the cluster knew of it counts, not what it was started with.
    expect(left.members).toEqual([memberOf(2)]);
    expect(changeMembership(left, { changeId: 0n, change: add(3, { url: "http://new" }) })).toMatchObject({
      error: { code: "member-not-found" },
    });
  });

  it("begins anew with a member that it had removed, or that nothing was written of yet", () => {
    const removed = apply(three, { kind: "remove", id: idOf(2) });
    const refound = { kind: "refound", clusterId: 0xen, member: memberOf(2) } as const;
    expect(apply(removed, refound)).toMatchObject({ members: [memberOf(2)], removed: [1n, 3n] });
    expect(apply(UNFOUNDED, refound)).toMatchObject({ founded: true, members: [memberOf(2)], removed: [] });
  });

  const withLearner = apply(three, add(4, { learner: true }));
  const withoutThird = apply(three, { kind: "remove", id: idOf(3) });
  const joint = apply(three, { kind: "replace", id: idOf(3), by: memberOf(4) });
  const one = apply(UNFOUNDED, { kind: "found", clusterId: 1n, members: [memberOf(1)] });

  it.each<[string, Membership, MembershipChange, string]>([
    ["adds a member that is there", three, add(2), "member-exists"],
    ["adds a member that was removed", withoutThird, add(3, { url: "http://new" }), "member-not-found"],
    ["adds a member with another's peer URL", three, add(4, { url: "http://n1" }), "peer-urls-exist"],
    ["adds one learner too many", withLearner, add(5, { learner: true }), "too-many-learners"],
    ["promotes nobody", three, { kind: "promote", id: idOf(9) }, "member-not-found"],
    ["promotes a voter", three, { kind: "promote", id: idOf(1) }, "member-not-learner"],
    ["removes nobody", three, { kind: "remove", id: idOf(9) }, "member-not-found"],
    ["removes a member twice", withoutThird, { kind: "remove", id: idOf(3) }, "member-not-found"],
    ["removes the last voter", one, { kind: "remove", id: idOf(1) }, "no-voters-left"],
    ["replaces nobody", three, { kind: "replace", id: idOf(9), by: memberOf(4) }, "member-not-found"],
    ["replaces by a voter", three, { kind: "replace", id: idOf(1), by: memberOf(2) }, "member-exists"],
    [
      "replaces by a removed one",
      withoutThird,
      { kind: "replace", id: idOf(1), by: memberOf(3) },
      "member-not-found",
    ],
    ["updates nobody", three, { kind: "update", id: idOf(9), peerUrls: [] }, "member-not-found"],
    [
      "takes another's peer URL",
      three,
      { kind: "update", id: idOf(1), peerUrls: ["http://n2"] },
      "peer-urls-exist",
    ],
    ["changes anything while joint", joint, { kind: "remove", id: idOf(1) }, "membership-unsettled"],
    ["changes anything before the founding", UNFOUNDED, add(1), "membership-unsettled"],
  ])("refuses what %s", (_, membership, change, code) => {
    expect(changeMembership(membership, { changeId: nextChange++, change })).toEqual({
      ok: false,
      error: { code },
    });
  });
});
