import type { MemberId, Role } from "@quorate/raft";
import { UNFOUNDED, type Membership } from "@quorate/state-machine";
import type { RaftMessage } from "./actors/raft-actor";
import { ClusterVersionRaise } from "./cluster-version-raise";

const [SELF, VOTER, LEARNER] = [1n as MemberId, 2n as MemberId, 3n as MemberId];
const MEMBERSHIP: Membership = {
  ...UNFOUNDED,
  founded: true,
  configuration: { incoming: [SELF, VOTER], outgoing: [], learners: [LEARNER] },
};

function build(membership = MEMBERSHIP) {
  const told: RaftMessage[] = [];
  const heard = new Map<MemberId, number>();
  const answering = new Set<MemberId>([VOTER, LEARNER]);
  const status: { role: Role; established: boolean } = { role: "leader", established: true };
  const raise = new ClusterVersionRaise(
    { memberId: SELF, clusterVersionMax: 3 },
    {
      raft: { tell: (message) => told.push(message) },
      status: () => {
        const peers = [VOTER, LEARNER].map((member) => ({ member, active: answering.has(member) }));
        return { ...status, peers };
      },
      heard: (member) => heard.get(member),
      membership,
    },
  );
  const raised = (): RaftMessage | undefined => {
    raise.tick();
    return told.pop();
  };
  return { raise, raised, heard, answering, status };
}

describe("ClusterVersionRaise", () => {
  it("raises to what the least of all members can apply, learners included", () => {
    const { raised, heard } = build();
    heard.set(VOTER, 3);
    heard.set(LEARNER, 2);
    expect(raised()).toEqual({ kind: "raise-cluster-version", version: 2 });
    heard.set(LEARNER, 4);
    expect(raised()).toEqual({ kind: "raise-cluster-version", version: 3 });
  });

  it("waits for a member that was not heard, and for one that does not answer now", () => {
    const { raised, heard, answering } = build();
    heard.set(VOTER, 3);
    expect(raised()).toBeUndefined();
    heard.set(LEARNER, 3);
    answering.delete(LEARNER);
    expect(raised()).toBeUndefined();
    answering.add(LEARNER);
    expect(raised()).toBeDefined();
  });

  it("waits while a member runs an older build", () => {
    const { raised, heard } = build();
    heard.set(VOTER, 3);
    heard.set(LEARNER, 1);
    expect(raised()).toBeUndefined();
  });

  it("is for an established leader of a founded cluster", () => {
    const { raised, heard, status } = build();
    for (const member of [VOTER, LEARNER]) heard.set(member, 3);
    expect(raised()).toBeDefined();
    status.established = false;
    expect(raised()).toBeUndefined();
    status.role = "follower";
    status.established = true;
    expect(raised()).toBeUndefined();
    const unfounded = build(UNFOUNDED);
    expect(unfounded.raised()).toBeUndefined();
  });

  it("has nothing to do once it is applied, and counts members that came meanwhile", () => {
    const { raise, raised, heard } = build();
    for (const member of [VOTER, LEARNER]) heard.set(member, 3);
    raise.applied({ ...MEMBERSHIP, clusterVersion: 3 });
    expect(raised()).toBeUndefined();
    const learners = [LEARNER, 4n as MemberId];
    raise.applied({ ...MEMBERSHIP, configuration: { ...MEMBERSHIP.configuration, learners } });
    expect(raised()).toBeUndefined();
  });
});
