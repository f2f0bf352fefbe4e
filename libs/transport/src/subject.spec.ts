import { hasWildcard, subjectMatches } from "./subject";

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
