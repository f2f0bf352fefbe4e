import { crcChainHash, Raft, RAFT_DEFAULTS, type LogIndex, type MemberId, type Term } from "@quorate/raft";
import type { AppliedPosition } from "@quorate/state-machine";
import { MemoryLogDisk, MemoryLogStorage, type LogIdentity } from "@quorate/storage";
import { decodeMembershipEntry } from "@quorate/wire";
import { seededPrng } from "@quorate/base";
import { survivorEntries } from "../testing/survivor-entries";
import { planRefounding, type RefoundingWish } from "./refounding";

const idOf = (id: number): MemberId => BigInt(id) as MemberId;
const survivor = { id: idOf(2), name: "n2", peerUrls: [], clientUrls: [] };
const identity: LogIdentity = {
  clusterId: 0xcn,
  clusterName: "north",
  memberId: survivor.id,
  memberName: "n2",
  directoryId: "d",
};
const wish: RefoundingWish = { clusterId: 0xdn, clusterName: "north-2", member: survivor };

/** A survivor's log of entries 1 to `last`, all of term 4, of which it knows that `commit` are committed. */
function survivorDisk(last: number, commit: number): MemoryLogDisk {
  const disk = new MemoryLogDisk();
  const configuration = { incoming: [1, 2, 3].map(idOf), outgoing: [], learners: [] };
  const log = MemoryLogStorage.create(disk, { identity, configuration });
  const entries = survivorEntries(last);
  const hardState = { term: 6 as Term, vote: idOf(3), commit: commit as LogIndex };
  log.append([{ truncateFrom: undefined, entries, hardState }]);
  void log[Symbol.asyncDispose]();
  return disk;
}

function planOn(disk: MemoryLogDisk, applied: number, wanted = wish) {
  const log = MemoryLogStorage.open(disk);
  const position = { index: applied } as AppliedPosition;
  const plan = planRefounding({ start: log.start, position }, wanted);
  return { log, plan };
}

describe("making a new cluster of a survivor", () => {
  it("keeps the whole log, lets all of it count, and says behind it who is left", () => {
    const { plan } = planOn(survivorDisk(9, 5), 5);
    if (plan.kind !== "due") throw new Error(plan.kind);
    expect(plan.keptEntries).toBe(4);
    expect(plan.write.truncateFrom).toBeUndefined();
    expect(plan.write.hardState).toEqual({ term: 7, vote: 2n, commit: 10 });
    const [entry] = plan.write.entries;
    expect(entry).toMatchObject({ index: 10, term: 7, type: "configuration" });
    expect(decodeMembershipEntry(entry!.data).change).toEqual({
      kind: "refound",
      clusterId: 0xdn,
      member: survivor,
    });
    expect(plan.identity).toEqual({
      ...identity,
      clusterId: 0xdn,
      clusterName: "north-2",
      refoundedFrom: 0xcn,
    });
  });

  it("leaves a log with which the member elects itself, alone, once it has applied the change", () => {
    const disk = survivorDisk(3, 1);
    const { log, plan } = planOn(disk, 1);
    if (plan.kind !== "due") throw new Error(plan.kind);
    log.refound(plan.identity, plan.write);
    void log[Symbol.asyncDispose]();

    const { start } = MemoryLogStorage.open(disk, { clusterId: 0xdn, memberId: survivor.id });
    const raft = new Raft(
      { ...RAFT_DEFAULTS, memberId: survivor.id },
      { ...start, applied: 1 as LogIndex },
      { prng: seededPrng(1), chainHash: crcChainHash },
    );
    const ticks = (count: number): void => {
      for (let tick = 0; tick < count; tick += 1) raft.step({ kind: "tick" });
    };
    ticks(100); // before: it neither campaigns nor can it win
    const applied = raft.takeEffects().flatMap((effect) => (effect.kind === "apply" ? effect.entries : []));
    expect(applied.map(({ index }) => index)).toEqual([2, 3, 4]);
    expect(raft.status().role).toBe("follower");
    const configuration = { incoming: [survivor.id], outgoing: [], learners: [] };
    raft.step({ kind: "applied", index: 4 as LogIndex, configuration });
    for (let tick = 0; tick < 100; tick += 1) {
      ticks(1);
      for (const effect of raft.takeEffects())
        if (effect.kind === "persist") raft.step({ kind: "persisted", id: effect.id });
    }
    expect(raft.status()).toMatchObject({ role: "leader", leader: survivor.id });
  });

  it("is done once: with the option left on, later starts change nothing", () => {
    const disk = survivorDisk(3, 3);
    const { log, plan } = planOn(disk, 3);
    if (plan.kind !== "due") throw new Error(plan.kind);
    log.refound(plan.identity, plan.write);
    void log[Symbol.asyncDispose]();
    expect(planOn(disk, 3).plan).toEqual({ kind: "done", from: 0xcn });
  });

  it.each([
    ["keeps the cluster's id", { ...wish, clusterId: 0xcn }, 3, /new --cluster-id/],
    ["keeps the cluster's name", { ...wish, clusterName: "north" }, 3, /new --cluster:/],
    ["has a log that ends before its state", wish, 4, /log of this member is damaged/],
  ])("is refused to one that %s", (_, wanted, applied, why) => {
    const { plan } = planOn(survivorDisk(3, 3), applied, wanted);
    expect(plan).toEqual({ kind: "refused", why: expect.stringMatching(why) });
  });

  it("is refused to one whose state ends before its log begins", () => {
    const disk = survivorDisk(5, 5);
    const log = MemoryLogStorage.open(disk);
    log.compact(3 as LogIndex, log.start.configuration, 10);
    void log[Symbol.asyncDispose]();
    const { plan } = planOn(disk, 2);
    expect(plan).toEqual({ kind: "refused", why: expect.stringMatching(/state of this member is damaged/) });
  });
});
