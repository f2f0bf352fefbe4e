import { get, log, put, refused, remove, swap, swapRequest, unknown, version } from "./operation-builders";
import { checkRevisions, checkRevisionsWithoutLog } from "./revision-replay";
import { HistoryViolation, NotCheckedError } from "./violation";

const putOf = (key: string, value: string) => ({ kind: "put", key, value }) as const;

describe("checkRevisions", () => {
  it("accepts reads of either state while a write is under way", () => {
    const operations = [
      put(1, [0, 10], "a", "1", 2),
      get(2, [1, 2], "a", undefined, 1),
      get(3, [1, 3], "a", version("a", "1", 2), 2),
    ];
    checkRevisions(operations, log("a=1"));
    checkRevisionsWithoutLog(operations);
  });

  it("accepts unknown writes that happened late, and others that never did", () => {
    const operations = [
      unknown(1, 0, putOf("a", "1")),
      put(2, [5, 6], "a", "2", 2),
      unknown(3, 7, { kind: "delete", key: "a" }),
      unknown(4, 8, swapRequest("a", "4", 3)),
      get(2, [20, 21], "a", version("a", "1", 3, { createRevision: 2, version: 2 }), 3),
      get(2, [22, 23], "a", undefined, 4),
    ];
    checkRevisions(operations, log("a=2", "a=1", "a"));
  });

  it("accepts that a lease ends, with all its keys at one revision", () => {
    const attached = (key: string, value: string) => ({ kind: "put", key, value, lease: "7" }) as const;
    const operations = [
      { ...put(1, [0, 1], "a", "1", 2), request: attached("a", "1") },
      { ...put(1, [2, 3], "b", "2", 3), request: attached("b", "2") },
      get(1, [9, 10], "a", undefined, 4),
    ];
    const changes = log("a=1", "b=2").map((change) => ({ ...change, lease: "7" }));
    checkRevisions(operations, [...changes, { revision: 4, key: "a" }, { revision: 4, key: "b" }]);
    expect(() => checkRevisions(operations, [...changes, { revision: 4, key: "a" }])).toThrow("nobody wrote");
  });

  it("accepts a serializable read of an old state, but not of one that never was", () => {
    const stale = (found: ReturnType<typeof version> | undefined, revision: number) => ({
      ...get(2, [20, 21], "a", found, revision),
      request: { kind: "range", key: "a", serializable: true } as const,
    });
    const writes = [put(1, [0, 1], "a", "1", 2), put(1, [2, 3], "a", "2", 3)];
    checkRevisions([...writes, stale(version("a", "1", 2), 2)], log("a=1", "a=2"));
    expect(() => checkRevisions([...writes, stale(version("a", "1", 2), 3)], log("a=1", "a=2"))).toThrow(
      "does not show the state",
    );
  });

  it.each([
    ["an acknowledged write that is gone", [put(1, [0, 1], "a", "1", 2)], log(), "never came to"],
    [
      "an acknowledged write with another one in its place",
      [put(1, [0, 1], "a", "1", 2), put(2, [0, 1], "a", "2", 3)],
      log("a=2", "a=1"),
      "at another revision than was acknowledged",
    ],
    ["a write that took effect twice", [unknown(1, 0, putOf("a", "1"))], log("a=1", "a=1"), "twice"],
    ["a refused write with effect", [refused(1, [0, 1], putOf("a", "1"))], log("a=1"), "refused took effect"],
    ["a value that nobody wrote", [put(1, [0, 1], "a", "1", 2)], log("a=1", "b=9"), "nobody wrote"],
    [
      "a lost update: both guarded writes succeeded",
      [
        put(1, [0, 1], "a", "1", 2),
        swap(2, [2, 5], "a", "2", 2, { succeeded: true, revision: 3 }),
        swap(3, [2, 5], "a", "3", 2, { succeeded: true, revision: 4 }),
      ],
      log("a=1", "a=2", "a=3"),
      "missing",
    ],
    [
      "a read of a state that was left before it was called",
      [
        put(1, [0, 1], "a", "1", 2),
        put(1, [2, 3], "a", "2", 3),
        get(2, [4, 5], "a", version("a", "1", 2), 2),
      ],
      log("a=1", "a=2"),
      "stands behind",
    ],
    [
      "a write before one that had returned",
      [put(1, [0, 1], "a", "1", 3), put(2, [2, 3], "b", "2", 2)],
      log("b=2", "a=1"),
      "stands behind",
    ],
    [
      "an unknown write that took effect before it was called",
      [put(1, [0, 1], "a", "1", 3), unknown(2, 5, putOf("b", "2"))],
      log("b=2", "a=1"),
      "stands behind",
    ],
    [
      "a version with a wrong count",
      [put(1, [0, 1], "a", "1", 2), get(2, [2, 3], "a", version("a", "1", 2, { version: 2 }), 2)],
      log("a=1"),
      "does not show the state",
    ],
    [
      "a delete that says it found nothing",
      [put(1, [0, 1], "a", "1", 2), remove(2, [2, 3], "a", 0, 2)],
      log("a=1"),
      "says that it changed nothing",
    ],
    [
      "a write at the revision of an empty store",
      [remove(1, [0, 1], "a", 1, 1)],
      log("a=1"),
      "never came to",
    ],
    ["a revision that is left out", [], log("a=1", "a=2").slice(1), "revision 3 follows 1"],
  ])("rejects %s", (_name, operations, changes, message) => {
    expect(() => checkRevisions(operations, changes)).toThrow(HistoryViolation);
    expect(() => checkRevisions(operations, changes)).toThrow(message);
  });

  it("looks over what others did to keys of their own", () => {
    const operations = [put(1, [0, 1], "a", "1", 3)];
    const changes = log("other=1", "a=1", "other");
    checkRevisions(operations, changes, { isForeign: (key) => key === "other" });
    expect(() => checkRevisions(operations, changes)).toThrow("nobody wrote");
  });

  it("needs a log where outcomes are unknown", () => {
    expect(() => checkRevisionsWithoutLog([unknown(1, 0, putOf("a", "1"))])).toThrow(NotCheckedError);
  });
});
