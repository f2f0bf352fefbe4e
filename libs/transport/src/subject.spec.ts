import { hasWildcard, isSendable, subjectMatches } from "./subject";

describe("subject matching", () => {
  it.each([
    ["a.b", "a.b", true],
    ["a.b", "a.bc", false],
    ["a.bc", "a.b", false],
    ["a.b", "a", false],
    ["a", "a.b", false],
    ["a.*", "a.b", true],
    ["a.*", "a.b.c", false],
    ["a.*", "a", false],
    ["*.b", "a.b", true],
    ["a.*.c", "a.long.c", true],
    ["a.*.c", "a.long.d", false],
    ["a.>", "a.b.c", true],
    ["a.>", "a", false],
    [">", "a", true],
    ["a.b*", "a.bc", false],
    ["_INBOX.n1.*", "_INBOX.n1.r7", true],
    ["_INBOX.n1.*", "_INBOX.n10.r7", false],
  ])("%s against %s is %s", (pattern, subject, matches) => {
    expect(subjectMatches(pattern, subject)).toBe(matches);
  });

  it("knows which patterns cannot be looked up by equality", () => {
    expect(["a.b", "a.*", ">", "a.b*"].map(hasWildcard)).toEqual([false, true, true, false]);
  });
});

describe("isSendable", () => {
  it.each([
    ["a.b", undefined, true],
    ["quorate.dev.event.put.%.jäger", "_INBOX.x.y", true],
    ["", undefined, false],
    ["a b", undefined, false],
    ["_INBOX.x 2\r\nhi\r\nPUB q.dev.raft.1.2", undefined, false],
    ["a\tb", undefined, false],
    ["a\0b", undefined, false],
    ["a", "b\n", false],
    ["a".repeat(4000), undefined, true],
    ["a".repeat(3000), "b".repeat(1001), false],
    ["ä".repeat(2001), undefined, false],
  ])("tells whether a message can be sent to %j, with the reply subject %j", (subject, reply, sendable) => {
    expect(isSendable(subject, reply)).toBe(sendable);
  });
});
