import type { LogIndex, MemberId, PeerStatus } from "@quorate/raft";
import { heirOf } from "./heir";

const idOf = (id: number): MemberId => BigInt(id) as MemberId;
const index = (value: number): LogIndex => value as LogIndex;
const peer = (id: number, match: number, others: Partial<PeerStatus> = {}): PeerStatus => ({
  member: idOf(id),
  match: index(match),
  next: index(match + 1),
  state: "replicate",
  active: true,
  paused: false,
  inflight: 0,
  ...others,
});
const configuration = { incoming: [1, 2, 3].map(idOf), outgoing: [], learners: [idOf(4)] };

function heir(peers: readonly PeerStatus[], synced = 0, role: "leader" | "follower" = "leader") {
  return heirOf({ role, peers, configuration }, index(synced));
}

describe("the heir of a leadership", () => {
  it("is the voter that holds most", () => {
    expect(heir([peer(2, 7), peer(3, 9), peer(4, 10)])).toBe(3n);
  });

  it("answers, and needs no snapshot", () => {
    expect(heir([peer(2, 7), peer(3, 9, { active: false })])).toBe(2n);
    expect(heir([peer(2, 7), peer(3, 9, { state: "snapshot" })])).toBe(2n);
    expect(heir([peer(2, 7, { active: false }), peer(4, 9)])).toBeUndefined();
  });

  it("has synced what the leader cannot", () => {
    expect(heir([peer(2, 7), peer(3, 8)], 8)).toBe(3n);
    expect(heir([peer(2, 7), peer(3, 8)], 9)).toBeUndefined();
  });

  it("is nobody's but a leader's to name", () => {
    expect(heir([peer(2, 7)], 0, "follower")).toBeUndefined();
  });
});
