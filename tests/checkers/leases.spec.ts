import { log } from "./operation-builders";
import { checkLeases, type HeldLease } from "./leases";

const lease = (fields: Partial<HeldLease> = {}): HeldLease => ({
  id: "7",
  ttlMs: 100,
  acknowledged: [0, 40],
  keys: ["a", "b"],
  revokedAt: Infinity,
  ...fields,
});
/** Revision 4 came at 140, as the last TTL was over. */
const appliedAt = (revision: number): number => [0, 0, 1, 2, 140, 145][revision]!;
const ended = log("a=1", "b=2", "a+b");

describe("checkLeases", () => {
  it("accepts an end after the last TTL, and one that the holder wanted before", () => {
    expect(checkLeases([lease()], ended, appliedAt)).toEqual({ expired: 1, renewals: 1 });
    const revoked = lease({ acknowledged: [0, 130], revokedAt: 135 });
    expect(checkLeases([revoked], ended, appliedAt)).toEqual({ expired: 0, renewals: 1 });
  });

  it("accepts leases without keys, and keys that were never written", () => {
    checkLeases([lease({ keys: [] }), lease({ keys: ["z"] })], ended, appliedAt);
  });

  it.each<[string, HeldLease, ReturnType<typeof log>, string]>([
    ["keys that live on", lease(), log("a=1", "b=2"), "outlived"],
    ["one key that lives on", lease(), log("a=1", "b=2", "a"), "outlived"],
    ["an end in two revisions", lease(), log("a=1", "b=2", "a", "b"), "more than one revision"],
    ["an end before the TTL since the grant", lease({ acknowledged: [50] }), ended, "before their time"],
    ["an end before the TTL since a renewal", lease({ acknowledged: [0, 60] }), ended, "before their time"],
    [
      "an end before it was revoked",
      lease({ acknowledged: [100], revokedAt: 150 }),
      ended,
      "before their time",
    ],
  ])("rejects %s", (_name, held, changes, message) => {
    expect(() => checkLeases([held], changes, appliedAt)).toThrow(message);
  });
});
