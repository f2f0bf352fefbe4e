import type { Operation, StoreRequest } from "../history";
import { get, ok, put, refused, remove, swap, swapRequest, unknown, version } from "../operation-builders";
import { HistoryViolation, NotCheckedError } from "../violation";
import { checkLinearizable, SEARCH_LIMITS } from "./check-linearizable";

const putOf = (key: string, value: string, lease?: string): StoreRequest => ({
  kind: "put",
  key,
  value,
  ...(lease === undefined ? {} : { lease }),
});
const grant = { kind: "grant", lease: "7", ttlMs: 100 } as const;
const lease = { kind: "lease" } as const;

/** Reads two keys at once. */
const both = (
  client: number,
  span: readonly [number, number],
  ...kvs: ReturnType<typeof version>[]
): Operation => ok(client, span, { kind: "range", key: "a", rangeEnd: "c" }, 9, { kind: "range", kvs });

describe("checkLinearizable", () => {
  it("accepts reads of either value while a write is under way, in an order of their own", () => {
    checkLinearizable([
      put(1, [0, 1], "a", "1", 2),
      put(2, [2, 10], "a", "2", 3),
      get(3, [3, 4], "a", version("a", "1", 2), 2),
      get(4, [5, 6], "a", version("a", "2", 3), 3),
    ]);
  });

  it("does not care which revisions are told, as long as each version has one", () => {
    checkLinearizable([
      put(1, [0, 1], "a", "1", 9),
      put(1, [2, 3], "a", "2", 4),
      get(2, [4, 5], "a", version("a", "2", 4), 1),
    ]);
  });

  it("accepts unknown writes that happen when a reader needs them, or never, or hide another one", () => {
    checkLinearizable([
      unknown(1, 0, putOf("a", "1")),
      unknown(2, 0, putOf("a", "2")),
      unknown(3, 0, { kind: "delete", key: "a" }),
      put(4, [1, 2], "a", "3", 5),
      get(5, [3, 4], "a", version("a", "2", 6), 6),
      swap(4, [5, 6], "a", "4", 6, { succeeded: false, revision: 7 }),
      get(5, [7, 8], "a", version("a", "1", 8), 8),
      get(5, [9, 10], "a", undefined, 9),
    ]);
  });

  it("is quick about many unknown writes that nobody saw", () => {
    const lost = Array.from({ length: 60 }, (_, at) => unknown(at % 16, at, putOf("a", `lost ${at}`)));
    const seen = Array.from({ length: 40 }, (_, at) =>
      put(at % 16, [100 + 2 * at, 101 + 2 * at], "a", `${at}`, 2 + at),
    );
    const stale = get(1, [300, 301], "a", version("a", "12", 14), 50);
    const { steps } = checkLinearizable([...lost, ...seen]);
    expect(steps).toBeLessThan(1000);
    expect(() => checkLinearizable([...lost, ...seen, stale])).toThrow(HistoryViolation);
  });

  it("accepts that a lease ends when its time is over, and not before", () => {
    const history = (at: number): Operation[] => [
      ok(1, [0, 1], grant, 2, lease),
      ok(1, [2, 3], putOf("a", "1", "7"), 2, { kind: "put" }),
      get(2, [at, at + 1], "a", undefined, 3),
    ];
    checkLinearizable(history(150), [{ lease: "7", notBefore: 100 }]);
    expect(() => checkLinearizable(history(50), [{ lease: "7", notBefore: 100 }])).toThrow(HistoryViolation);
  });

  it("goes on over moments at which nothing is under way, and back if the wrong unknown write was taken", () => {
    const before = Array.from({ length: 100 }, (_, at) => put(1, [at * 2, at * 2 + 1], "a", `${at}`, 2 + at));
    const after = Array.from({ length: 100 }, (_, at) =>
      put(1, [1000 + at * 2, 1001 + at * 2], "a", `later ${at}`, 200 + at),
    );
    const needed = get(2, [2000, 2001], "a", version("a", "unknown", 500), 500);
    checkLinearizable([unknown(3, 50, putOf("a", "unknown")), ...before, ...after, needed]);
  });

  const attached = ok(1, [0, 1], putOf("a", "1", "7"), 2, { kind: "put" });
  it.each<[string, readonly Operation[]]>([
    [
      "a read of what was overwritten before it was called",
      [
        put(1, [0, 1], "a", "1", 2),
        put(1, [2, 3], "a", "2", 3),
        get(2, [4, 5], "a", version("a", "1", 2), 2),
      ],
    ],
    [
      "two reads, one after the other, that see two writes in opposite orders",
      [
        put(1, [0, 10], "a", "1", 2),
        put(2, [0, 10], "a", "2", 3),
        get(3, [11, 12], "a", version("a", "1", 2), 3),
        get(3, [13, 14], "a", version("a", "2", 3), 3),
      ],
    ],
    ["a value that nobody wrote", [get(1, [0, 1], "a", version("a", "9", 2), 2)]],
    [
      "a value of a write that was refused",
      [refused(1, [0, 1], putOf("a", "1")), get(2, [2, 3], "a", version("a", "1", 2), 2)],
    ],
    [
      "a lost update",
      [
        put(1, [0, 1], "a", "1", 2),
        swap(2, [2, 5], "a", "2", 2, { succeeded: true, revision: 3 }),
        swap(3, [2, 5], "a", "3", 2, { succeeded: true, revision: 4 }),
      ],
    ],
    [
      "a guarded write that failed though nothing had changed",
      [put(1, [0, 1], "a", "1", 2), swap(2, [2, 3], "a", "2", 2, { succeeded: false, revision: 2 })],
    ],
    [
      "an unknown write that took effect before it was called",
      [get(1, [0, 1], "a", version("a", "1", 2), 2), unknown(2, 5, putOf("a", "1"))],
    ],
    [
      "an unknown write that took effect twice",
      [
        unknown(1, 0, putOf("a", "1")),
        get(2, [1, 2], "a", version("a", "1", 2), 2),
        put(2, [3, 4], "a", "2", 3),
        get(2, [5, 6], "a", version("a", "1", 2), 4),
      ],
    ],
    [
      "a delete that counts a key which is not there",
      [put(1, [0, 1], "a", "1", 2), remove(1, [2, 3], "a", 1, 3), remove(1, [4, 5], "a", 1, 4)],
    ],
    [
      "a range that shows half of a transaction",
      [
        ok(
          1,
          [0, 10],
          {
            kind: "txn",
            compare: [],
            success: [
              { kind: "put", key: "a", value: "1" },
              { kind: "put", key: "b", value: "2" },
            ],
            failure: [],
          },
          2,
          { kind: "txn", succeeded: true, results: [{ kind: "put" }, { kind: "put" }] },
        ),
        both(2, [1, 2], version("b", "2", 2)),
      ],
    ],
    [
      "keys of one lease that vanish one after the other",
      [
        ok(1, [0, 1], grant, 1, lease),
        ok(1, [2, 3], putOf("a", "1", "7"), 2, { kind: "put" }),
        ok(1, [4, 5], putOf("b", "2", "7"), 3, { kind: "put" }),
        unknown(1, 6, { kind: "revoke", lease: "7" }),
        both(2, [10, 11], version("b", "2", 3, { lease: "7" })),
      ],
    ],
    [
      "one version with two revisions",
      [attached, get(2, [2, 3], "a", version("a", "1", 5, { lease: "7" }), 5)],
    ],
  ])("rejects %s", (_name, operations) => {
    expect(() => checkLinearizable(operations)).toThrow(HistoryViolation);
  });

  it("reports the longest order, what it leaves, and what cannot come next", () => {
    const operations = [
      put(1, [0, 1], "a", "1", 2),
      put(1, [2, 3], "a", "2", 3),
      get(2, [4, 5], "a", version("a", "1", 2), 2),
    ];
    expect(() => checkLinearizable(operations)).toThrow(
      [
        "no order of the operations explains what was answered.",
        "The longest one found has 2 of 3 operations and ends with",
        '  client 1 [0.0, 1.0] put "a" = "1" -> done at revision 2',
        '  client 1 [2.0, 3.0] put "a" = "2" -> done at revision 3',
        'which leaves "a" = "2". Nothing that can come next allows',
        '  client 2 [4.0, 5.0] read "a" -> "a" = "1" at revision 2',
        'which would be answered there: "a" = "2"',
      ].join("\n"),
    );
  });

  it("reports what is beyond its limits as not checked", () => {
    const writers = Array.from({ length: 17 }, (_, client) =>
      put(client, [0, 1], "a", `${client}`, 2 + client),
    );
    expect(() => checkLinearizable(writers)).toThrow(NotCheckedError);
    const long = Array.from({ length: 20 }, (_, at) => put(at % 2, [at, at + 1], "a", `${at}`, 2 + at));
    expect(() => checkLinearizable(long, [], { ...SEARCH_LIMITS, operationsMax: 19 })).toThrow(
      NotCheckedError,
    );
    expect(() => checkLinearizable(long, [], { ...SEARCH_LIMITS, bytesMax: 100 })).toThrow(NotCheckedError);
    expect(() => checkLinearizable(long, [], { ...SEARCH_LIMITS, stepsMax: 19 })).toThrow(/limit: 19 steps/);
    // A search that must fail over many writes at a time has more to do than there is time for.
    const hard = Array.from({ length: 1600 }, (_, at) => put(at % 16, [0, 10], "a", `${at}`, 2 + at));
    const impossible = [...hard, get(1, [20, 21], "a", undefined, 3000)];
    expect(() => checkLinearizable(impossible, [], { ...SEARCH_LIMITS, timeMsMax: 100 })).toThrow(
      /limit: 100 ms/,
    );
  });

  it("does not judge a comparison with a revision that no answer explains", () => {
    expect(() => checkLinearizable([unknown(1, 0, swapRequest("a", "1", 7))])).toThrow(NotCheckedError);
  });

  it("checks keys that have nothing in common apart", () => {
    const many = Array.from({ length: 40 }, (_, at) => put(at % 20, [0, 1], `key ${at}`, `${at}`, 2 + at));
    expect(checkLinearizable(many).partitions).toBe(40);
  });
});
