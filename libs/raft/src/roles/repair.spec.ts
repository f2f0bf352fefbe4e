import { append, idAt, logOf } from "../testing/log-fixtures";
import { at, LoneMember, term } from "../testing/lone-member";

const whole = logOf([1, 1, 2]);
/** Its log is [1,1]; it once held entry 3 of term 2, and may have acknowledged it. */
const damaged = (): LoneMember => new LoneMember({ terms: [1, 1], term: 2, repairUntil: idAt(whole, 3) });

describe("a member whose log has lost its end", () => {
  it.each<[string, readonly number[], boolean]>([
    ["ends as its own does now", [1, 1], false],
    ["is longer, of an older term than what was lost", [1, 1, 1, 1], false],
    ["holds what was lost", [1, 1, 2], true],
    ["ends in a later term", [1, 3], true],
  ])("votes for a candidate whose log %s %j: %s", (_, terms, granted) => {
    const one = damaged();
    one.tick(10);
    const last = idAt(logOf(terms), terms.length);
    one.receive(2, { kind: "pre-vote", term: term(4), last, committed: undefined });
    expect(one.sent("pre-vote-response")).toMatchObject([{ message: { granted } }]);
    one.receive(2, { kind: "vote", term: term(4), last, transfer: false });
    expect(one.sent("vote-response")).toMatchObject([{ message: { granted } }]);
  });

  it("does not campaign, not even if its leader asks it to", () => {
    const one = damaged();
    expect(one.tickUntilCampaign()).toBe(Infinity);
    one.receive(2, { kind: "heartbeat", term: term(2), round: 1, commit: at(0) });
    one.receive(2, { kind: "timeout-now", term: term(2) });
    expect(one.status.role).toBe("follower");
  });

  it("answers no read", () => {
    const one = damaged();
    one.receive(2, { kind: "heartbeat", term: term(2), round: 1, commit: at(0) });
    const id = one.read();
    expect(one.did("read-failed")).toMatchObject([{ ids: [id], reason: "no-leader" }]);
  });

  it("is what it was once its disk holds again what was lost, and not before", () => {
    const one = damaged();
    one.holdsWrites = true;
    one.receive(2, append(whole, 2, 3, { term: 2, commit: 0 }));
    expect(one.status.repairUntil).toEqual(idAt(whole, 3));
    one.persist();
    expect(one.status.repairUntil).toBeUndefined();
    expect(one.did("repaired")).toHaveLength(1);
    expect(one.tickUntilCampaign()).toBeLessThan(Infinity);
  });
});
