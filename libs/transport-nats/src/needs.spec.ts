import { isNeeded } from "./needs";

const NEEDS = { publish: ["q.c.raft.a.*", "q.c.leader"], subscribe: ["q.c.inbox.U.>"], probes: [] };

describe("isNeeded", () => {
  it.each([
    ["publish", "q.c.raft.a.b"],
    ["publish", "q.c.leader"],
    ["subscription", "q.c.inbox.U.x.*.*"],
    ["unknown", "q.c.leader"],
  ] as const)("is true of a denied %s of %s", (operation, subject) => {
    expect(isNeeded({ kind: "permission-denied", operation, subject }, NEEDS)).toBe(true);
  });

  it.each([
    ["publish", "q.c.raft.b.a"],
    ["publish", "where.a.caller.wants.its.answer"],
    ["publish", "q.c.inbox.U.x.r.0"],
    ["subscription", "q.c.leader"],
  ] as const)("is false of a denied %s of %s: nobody can end a process by it", (operation, subject) => {
    expect(isNeeded({ kind: "permission-denied", operation, subject }, NEEDS)).toBe(false);
  });
});
