import type { Version } from "./history";
import { checkDurable, checkHashes, checkRevisionsNeverFall } from "./durability";
import { put, refused, remove, swap, unknown, version } from "./operation-builders";
import type { Operation } from "./history";

const write = put(1, [0, 1], "a", "1", 2);
const putOf = (value: string) => ({ kind: "put", key: "a", value }) as const;

describe("checkDurable", () => {
  it.each<[string, readonly Operation[], readonly Version[]]>([
    ["what was acknowledged", [write], [version("a", "1", 2)]],
    ["a later acknowledged write", [write, put(2, [0, 1], "a", "2", 3)], [version("a", "2", 3)]],
    ["a later unknown write", [write, unknown(2, 0, putOf("2"))], [version("a", "2", 3)]],
    ["nothing behind a delete", [write, remove(2, [2, 3], "a", 1, 3)], []],
    [
      "nothing behind an unknown delete",
      [write, unknown(2, 2, { kind: "delete", key: "\0", rangeEnd: "\0" })],
      [],
    ],
  ])("accepts a store with %s", (_name, operations, contents) => {
    checkDurable(operations, contents);
  });

  it("accepts that a lease took a key along", () => {
    checkDurable([write], [], new Set(["a"]));
  });

  it.each<[string, readonly Operation[], readonly Version[]]>([
    ["nothing", [write], []],
    ["an older version", [write, put(1, [2, 3], "a", "2", 3)], [version("a", "1", 2)]],
    ["another value at the revision", [write], [version("a", "9", 2)]],
    ["a later value that nobody wrote", [write], [version("a", "9", 3)]],
    ["a later value that was refused", [write, refused(2, [2, 3], putOf("2"))], [version("a", "2", 3)]],
    ["nothing, where deletes came before", [remove(2, [0, 1], "a", 1, 2), put(1, [2, 3], "a", "1", 3)], []],
    [
      "the version before a guarded write",
      [write, swap(1, [2, 3], "a", "2", 2, { succeeded: true, revision: 3 })],
      [version("a", "1", 2)],
    ],
  ])("rejects a store with %s", (_name, operations, contents) => {
    expect(() => checkDurable(operations, contents)).toThrow("not in the store");
  });
});

describe("checkHashes", () => {
  const hash = (member: string, revision: number, value: number, compactRevision = -1) => ({
    member,
    revision,
    compactRevision,
    hash: value,
  });

  it("compares only what is comparable, and says how much that was", () => {
    expect(checkHashes([hash("n1", 5, 1), hash("n2", 5, 1), hash("n3", 6, 2), hash("n3", 5, 7, 3)])).toBe(1);
  });

  it("rejects members that differ at a revision", () => {
    expect(() => checkHashes([hash("n1", 5, 1), hash("n2", 5, 1), hash("n3", 5, 2)])).toThrow(
      "different things",
    );
  });
});

describe("checkRevisionsNeverFall", () => {
  it("allows another member to be behind, and no member to go back", () => {
    const first = { client: 1, member: "n1", revision: 5 };
    checkRevisionsNeverFall([
      first,
      { ...first, member: "n2", revision: 4 },
      { ...first, client: 2, revision: 3 },
    ]);
    expect(() => checkRevisionsNeverFall([first, { ...first, revision: 4 }])).toThrow("lower revision");
  });
});
