import type { LogIndex, MemberId, PeerStatus, RaftStatus, Term } from "@quorate/raft";
import type { ClusterMember, MembershipChange } from "@quorate/state-machine";
import { judgeReconfiguration } from "./reconfiguration-check";

const id = (number: number): MemberId => BigInt(number) as MemberId;
const member = (number: number): ClusterMember => ({
  id: id(number),
  name: "",
  peerUrls: [],
  clientUrls: [],
});
const addVoter: MembershipChange = { kind: "add", member: member(9), learner: false, learnersMax: 1 };
const addLearner: MembershipChange = { kind: "add", member: member(9), learner: true, learnersMax: 1 };
const remove = (number: number): MembershipChange => ({ kind: "remove", id: id(number) });
const promote = (number: number): MembershipChange => ({ kind: "promote", id: id(number) });

/** A leader, n1, with 100 entries. `down` do not answer; `silent` never have; `restored` need a snapshot. */
function leader(
  voters: number,
  options: {
    learners?: number[];
    down?: number[];
    silent?: number[];
    restored?: number[];
    match?: number;
  } = {},
): RaftStatus {
  const { learners = [], down = [], silent = [], restored = [], match = 100 } = options;
  const incoming = Array.from({ length: voters }, (_, at) => id(at + 1));
  const peers = [...incoming.slice(1), ...learners.map(id)].map((peer): PeerStatus => ({
    member: peer,
    state: restored.includes(Number(peer)) ? "snapshot" : "replicate",
    match: (silent.includes(Number(peer)) ? 0 : match) as LogIndex,
    next: 101 as LogIndex,
    paused: false,
    inflight: 0,
    active: ![...down, ...silent].includes(Number(peer)),
  }));
  return {
    memberId: id(1),
    role: "leader",
    last: { term: 1 as Term, index: 100 as LogIndex },
    configuration: { incoming, outgoing: [], learners: learners.map(id) },
    peers,
  } as Partial<RaftStatus> as RaftStatus;
}

describe("the strict reconfiguration check", () => {
  it.each<[string, MembershipChange, RaftStatus, string | undefined]>([
    ["lets a healthy cluster grow", addVoter, leader(3), undefined],
    ["lets a cluster of one grow", addVoter, leader(1), undefined],
    // Of four, three are needed, and the new one has yet to start.
    [
      "gives a cluster with a member down no voter more",
      addVoter,
      leader(3, { down: [3] }),
      "unhealthy-cluster",
    ],
    [
      "counts a member that needs a snapshot as down",
      remove(2),
      leader(3, { restored: [3] }),
      "unhealthy-cluster",
    ],
    ["lets that member go", remove(3), leader(3, { restored: [3] }), undefined],
    [
      "promotes no learner that needs one, whatever its log holds",
      promote(4),
      leader(3, { learners: [4], restored: [4] }),
      "learner-not-ready",
    ],
    ["counts a member that never started", addVoter, leader(3, { silent: [3] }), "not-enough-started"],
    ["gives it a learner, which decides nothing", addLearner, leader(3, { down: [3] }), undefined],
    [
      "gives nothing to a cluster without a majority",
      addLearner,
      leader(3, { down: [2, 3] }),
      "unhealthy-cluster",
    ],
    ["lets a member that is down go", remove(3), leader(3, { down: [3] }), undefined],
    ["keeps a member that is needed", remove(2), leader(3, { down: [3] }), "unhealthy-cluster"],
    [
      "keeps a member while too few others ever started",
      remove(2),
      leader(3, { silent: [3] }),
      "not-enough-started",
    ],
    ["always lets a learner go", remove(9), leader(3, { learners: [9], down: [2, 3] }), undefined],
    ["promotes a learner that has caught up", promote(9), leader(3, { learners: [9], match: 90 }), undefined],
    [
      "waits for a learner that lags",
      promote(9),
      leader(3, { learners: [9], match: 89 }),
      "learner-not-ready",
    ],
    [
      "waits for a learner that is away",
      promote(9),
      leader(3, { learners: [9], down: [9] }),
      "learner-not-ready",
    ],
    [
      "replaces a dead member while the others are enough for both halves",
      { kind: "replace", id: id(3), by: member(9) },
      leader(3, { down: [3] }),
      undefined,
    ],
    [
      "replaces nobody while they are not",
      { kind: "replace", id: id(1), by: member(9) },
      leader(3, { down: [3] }),
      "unhealthy-cluster",
    ],
    [
      "does not care who is up when a URL changes",
      { kind: "update", id: id(2), peerUrls: [] },
      leader(3, { down: [2, 3] }),
      undefined,
    ],
    ["leaves mistakes to whoever applies them", promote(7), leader(3, { down: [2, 3] }), undefined],
  ])("%s", (_, change, status, expected) => {
    expect(judgeReconfiguration(change, status)).toBe(expected);
  });
});
