import type { Operation, StepResult, TxnStep } from "../history";
import { get, ok, refused, unknown, version, type Span } from "../operation-builders";
import { HistoryViolation } from "../violation";
import { checkListAppend } from "./check-list-append";

/** A list with the revision that made it: "x1" and "x1 x2" at 3. Elements are `transaction.number`. */
type List = readonly [key: string, modRevision: number, ...elements: string[]];

const found = ([key, modRevision, ...elements]: List): StepResult => ({
  kind: "range",
  kvs: modRevision === 0 ? [] : [version(key, elements.join(","), modRevision)],
});

/** A transaction that read `reads` and put `writes`, at `revision`. */
function txn(span: Span, reads: readonly List[], writes: readonly List[], revision: number): Operation {
  const steps: TxnStep[] = [
    ...reads.map(([key]): TxnStep => ({ kind: "range", key })),
    ...writes.map(([key, , ...elements]): TxnStep => ({ kind: "put", key, value: elements.join(",") })),
  ];
  const results: StepResult[] = [...reads.map(found), ...writes.map((): StepResult => ({ kind: "put" }))];
  const request = { kind: "txn", compare: [], success: steps, failure: [] } as const;
  return ok(1, span, request, revision, { kind: "txn", succeeded: true, results });
}

const empty = (key: string): List => [key, 0];
const request = (key: string, value: string) =>
  ({ kind: "txn", compare: [], success: [{ kind: "put", key, value }], failure: [] }) as const;

/** Two puts at once. */
const both = (...[a, first, b, second]: [string, string, string, string]) => ({
  ...request(a, first),
  success: [...request(a, first).success, ...request(b, second).success],
});

describe("checkListAppend", () => {
  it("accepts transactions that follow each other, and what overlaps in any order", () => {
    const facts = checkListAppend([
      txn([0, 1], [empty("x")], [["x", 2, "a.0"]], 2),
      txn(
        [2, 9],
        [["x", 2, "a.0"], empty("y")],
        [
          ["x", 3, "a.0", "b.0"],
          ["y", 3, "b.0"],
        ],
        3,
      ),
      txn([3, 4], [["x", 2, "a.0"], empty("y")], [], 2),
      txn(
        [5, 6],
        [
          ["x", 3, "a.0", "b.0"],
          ["y", 3, "b.0"],
        ],
        [],
        3,
      ),
    ]);
    expect(facts).toEqual({ transactions: 4, elements: 3, dependencies: 10 });
  });

  it("accepts elements of unknown outcome, whether they are ever seen or not", () => {
    checkListAppend([
      unknown(1, 0, request("x", "a.0")),
      unknown(2, 0, request("x", "b.0")),
      txn([50, 51], [["x", 2, "a.0"]], [["x", 3, "a.0", "c.0", "c.1"]], 3),
      get(3, [52, 53], "x", version("x", "a.0,c.0,c.1", 3), 3),
    ]);
  });

  it.each<[string, RegExp, readonly Operation[]]>([
    [
      "an element of a transaction that was refused",
      /G1a: T1 .* a\.0 is of T0, which was refused/,
      [refused(1, [0, 1], request("x", "a.0")), txn([2, 3], [["x", 2, "a.0"]], [], 2)],
    ],
    [
      "a part of what was appended at once",
      /G1b: T1 /,
      [txn([0, 5], [], [["x", 2, "a.0", "a.1"]], 2), txn([1, 6], [["x", 2, "a.0"]], [], 2)],
    ],
    [
      "an update that is lost, as lists and revisions contradict each other",
      /incompatible order: x was \[a\.0 b\.0\] at 3 .* and then \[a\.0 c\.0\] at 4/,
      [
        txn([0, 1], [], [["x", 2, "a.0"]], 2),
        txn([2, 9], [["x", 2, "a.0"]], [["x", 3, "a.0", "b.0"]], 3),
        txn([2, 9], [["x", 2, "a.0"]], [["x", 4, "a.0", "c.0"]], 4),
      ],
    ],
    [
      "an element twice",
      /duplicate element: .* a\.0 twice/,
      [txn([0, 1], [], [["x", 2, "a.0"]], 2), txn([2, 3], [["x", 3, "a.0", "a.0"]], [], 3)],
    ],
    ["an element that nobody appended", /unknown element/, [txn([2, 3], [["x", 3, "z.0"]], [], 3)]],
    [
      "writes in a circle",
      /^G0 /,
      [
        unknown(1, 0, both("x", "a.0", "y", "b.0,a.0")),
        unknown(2, 0, both("y", "b.0", "x", "a.0,b.0")),
        txn([1, 9], [["x", 3, "a.0", "b.0"]], [], 3),
        txn([1, 9], [["y", 3, "b.0", "a.0"]], [], 3),
      ],
    ],
    [
      "two transactions that read each other's writes",
      /^G1c /,
      [
        txn([0, 9], [["y", 3, "b.0"]], [["x", 2, "a.0"]], 2),
        txn([0, 9], [["x", 2, "a.0"]], [["y", 3, "b.0"]], 3),
      ],
    ],
    [
      "a read that shows half of a transaction",
      /^G-single /,
      [
        txn(
          [0, 9],
          [],
          [
            ["x", 2, "a.0"],
            ["y", 2, "a.0"],
          ],
          2,
        ),
        txn([0, 9], [["x", 2, "a.0"], empty("y")], [], 2),
        txn(
          [10, 11],
          [
            ["x", 2, "a.0"],
            ["y", 2, "a.0"],
          ],
          [],
          2,
        ),
      ],
    ],
    [
      "write skew: both read what the other one then wrote",
      /^G2 /,
      [
        txn([0, 9], [empty("x"), empty("y")], [["x", 2, "a.0"]], 2),
        txn([0, 9], [empty("x"), empty("y")], [["y", 3, "b.0"]], 3),
      ],
    ],
    [
      "a read that misses what had been acknowledged before it was called",
      /^G-single-realtime /,
      [
        txn([0, 1], [], [["x", 2, "a.0"]], 2),
        txn([2, 3], [empty("x")], [], 1),
        txn([4, 5], [["x", 2, "a.0"]], [], 2),
      ],
    ],
    [
      "a read that misses what had been acknowledged, though another write returned in between",
      /^G-single-realtime /,
      [
        txn([0, 1], [], [["x", 2, "a.0"]], 2),
        txn([0, 5], [], [["y", 3, "b.0"]], 3),
        txn([6, 7], [empty("x")], [], 3),
        txn([8, 9], [["x", 2, "a.0"]], [], 3),
      ],
    ],
    [
      "two keys whose writes were seen in opposite orders",
      /^G2 /,
      [
        txn([0, 9], [], [["x", 2, "a.0"]], 2),
        txn([0, 9], [], [["y", 3, "b.0"]], 3),
        txn([0, 9], [["x", 2, "a.0"], empty("y")], [], 2),
        txn([0, 9], [empty("x"), ["y", 3, "b.0"]], [], 3),
      ],
    ],
    [
      "appends against the order of time",
      /^G0-realtime /,
      [txn([0, 1], [], [["x", 3, "b.0", "a.0"]], 3), txn([2, 3], [], [["x", 2, "b.0"]], 2)],
    ],
  ])("rejects %s", (_name, message, operations) => {
    expect(() => checkListAppend(operations)).toThrow(HistoryViolation);
    expect(() => checkListAppend(operations)).toThrow(message);
  });

  it("prints the cycle, each step with its reason", () => {
    const operations = [
      txn([0, 1], [], [["x", 2, "a.0"]], 2),
      txn([2, 3], [empty("x")], [], 1),
      txn([4, 5], [["x", 2, "a.0"]], [], 2),
    ];
    expect(() => checkListAppend(operations)).toThrow(
      [
        "G-single-realtime (one read misses what came before it, by the clock):",
        '  T1: client 1 [2.0, 3.0] txn if true then read "x" -> succeeded: [nothing] at revision 1',
        "    --rw--> T1 read x without a.0 of T0",
        '  T0: client 1 [0.0, 1.0] txn if true then put "x" = "a.0" -> succeeded: [done] at revision 2',
        "    --real time--> T0 had returned at 1.0, before T1 was called",
        "  T1, where this began",
      ].join("\n"),
    );
  });
});
