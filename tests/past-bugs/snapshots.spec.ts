import type { Configuration, LogIndex } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import { MemorySnapshotStorage, MemoryStatePlace } from "@quorate/storage";
import { logOf } from "../../libs/raft/src/testing/log-fixtures";
import { at, LoneMember, member, term } from "../../libs/raft/src/testing/lone-member";
import { linesWith, RaftScene } from "./raft-scene";

const THREE: Configuration = { incoming: [1, 2, 3].map(member), outgoing: [], learners: [] };

function offer(index: number, transfer: number, configuration = THREE, leaderTerm = 2) {
  const chain = logOf(Array.from({ length: index }, () => 1)).at(-1)!.chain;
  const snapshot = { term: term(1), index: at(index), chain, configuration };
  return { kind: "install-snapshot", term: term(leaderTerm), round: 1, transfer, snapshot } as const;
}

describe("snapshots", () => {
  it("etcd #18055: a second snapshot that comes while the first is put in place neither replaces nor removes it", () => {
    const one = new LoneMember({ term: 2 });
    one.receive(2, offer(5, 1));
    one.holdsWrites = true;
    one.step({ kind: "snapshot-staged", transfer: 1 }); // the log is about to begin behind it
    one.receive(2, offer(9, 2));
    expect(one.did("discard-snapshot")).toEqual([]);
    expect(one.did("fetch-snapshot")).toHaveLength(1);
    one.persist();
    one.receive(2, offer(9, 3));
    expect(one.did("discard-snapshot")).toEqual([]);
    expect(one.did("install-snapshot")).toEqual([{ kind: "install-snapshot", transfer: 1, index: 5 }]);
    one.step({ kind: "snapshot-installed", index: at(5) });
    expect(one.status).toMatchObject({ applied: 5, stateIsWhole: true });
    one.receive(2, offer(9, 4)); // now the newer one may come
    expect(one.did("fetch-snapshot").at(-1)).toMatchObject({ transfer: 4 });
  });

  it("etcd #20133: of two that come shortly after one another the one that is given up is never installed", () => {
    const one = new LoneMember({ term: 2 });
    one.receive(2, offer(5, 1));
    one.receive(2, offer(9, 2));
    one.step({ kind: "snapshot-staged", transfer: 1 }); // it was ready when it was given up
    expect(one.did("install-snapshot")).toEqual([]);
    expect(one.did("persist").filter(({ restart }) => restart !== undefined)).toEqual([]);
    one.step({ kind: "snapshot-staged", transfer: 2 });
    expect(one.did("install-snapshot")).toEqual([{ kind: "install-snapshot", transfer: 2, index: 9 }]);
  });

  it.each(["before the log begins behind it", "afterwards"] as const)(
    "etcd #14569: a snapshot that was staged when the power went, %s, does not keep the member from starting",
    (when) => {
      const place = new MemoryStatePlace<StateColumn>(STATE_COLUMNS);
      const storage = new MemorySnapshotStorage(place, 0 as LogIndex);
      storage.stage((staging) => {
        const batch = staging.batch();
        batch.put("meta", Uint8Array.of(1), Uint8Array.of(9));
        batch.write({ sync: true });
      });
      storage.seal(at(5), () => undefined);
      place.disk.crash(0);
      const decided = when === "afterwards";
      const restarted = new MemorySnapshotStorage(place, at(decided ? 5 : 0));
      const found = restarted.store.get("meta", Uint8Array.of(1));
      expect(found).toEqual(decided ? Uint8Array.of(9) : undefined);
      expect(place.sealed).toBeUndefined();
    },
  );

  it("etcd #10864: a voter takes a snapshot that makes it a learner", () => {
    const one = new LoneMember({ term: 2 });
    const demoted = { incoming: [2, 3, 4].map(member), outgoing: [], learners: [member(1)] };
    one.receive(2, offer(5, 1, demoted));
    one.step({ kind: "snapshot-staged", transfer: 1 });
    one.step({ kind: "snapshot-installed", index: at(5) });
    expect(one.status).toMatchObject({ applied: 5, configuration: demoted });
    one.tick(60);
    expect(one.status.role).toBe("follower");
  });

  it("etcd #20271: while a snapshot takes the place of the state nothing is applied to it", () => {
    const one = new LoneMember({ term: 2, terms: [1, 1] });
    one.receive(2, offer(5, 1));
    one.step({ kind: "snapshot-staged", transfer: 1 });
    one.clear();
    const later = logOf([1, 1, 1, 1, 1, 2]);
    one.receive(2, {
      kind: "append",
      term: term(2),
      round: 1,
      previous: { term: term(1), index: at(5) },
      previousChain: later[4]!.chain,
      entries: later.slice(5),
      commit: at(6),
    });
    expect(one.did("apply")).toEqual([]);
    one.step({ kind: "snapshot-installed", index: at(5) });
    expect(one.did("apply").flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([6]);
  });

  it("nats-server #7556: a member whose state is damaged leads nobody before it has another's, and says that it needs it", () => {
    const scene = new RaftScene("add-nodes 3 keep-entries=1 heartbeat=5", "campaign n1", "stabilize");
    scene.play("propose n1 a b c d", "stabilize", "sync-state n2", "snapshot-work n2", "stabilize");
    scene.play("crash n2 applied=0", "restart n2"); // its log is whole, and begins behind what is left of its state
    expect(scene.status("n2")).toContain("state-not-whole");
    expect(linesWith(scene.play("tick n2 count=40", "timeout-now n1 n2 term=1"), "vote")).toEqual([]);
    expect(linesWith(scene.play("tick n1 count=5", "stabilize n1 n2"), "needs-snapshot")).not.toEqual([]);
    scene.play(...["tick n1 count=5", "stabilize", "tick n1 count=5", "stabilize"]);
    expect(scene.status("n2")).toMatch(/applied=5$/);
  });
});
