import { CANDIDATES, violationsOf, type Change } from "./controller-history";

// The tests of the controller rely on this check, so it is tested on histories that are wrong.
describe("violationsOf", () => {
  const put = (revision: number, key: string, value: unknown, createRevision = revision): Change => ({
    revision,
    key,
    text: typeof value === "string" ? value : JSON.stringify(value),
    createRevision,
  });
  const gone = (revision: number, key: string): Change => ({
    revision,
    key,
    text: undefined,
    createRevision: 0,
  });
  const a = { by: "controller-a" };
  const start = [
    put(2, `${CANDIDATES}1`, "controller-a"),
    put(3, `${CANDIDATES}2`, "controller-b"),
    put(4, "/deployments/web", { replicas: 1 }),
    put(5, "/pods/web/0000", a),
  ];

  it("accepts the work of whoever leads, and a surplus that was declared away", () => {
    const lowered = [put(6, "/deployments/web", { replicas: 0 }), put(7, "/status/web", a)];
    const after = [
      gone(8, "/pods/web/0000"),
      gone(9, `${CANDIDATES}1`),
      put(10, "/status/web", { by: "controller-b" }),
    ];
    expect(violationsOf([...start, ...lowered, ...after])).toEqual([]);
  });

  it("reports a pod too many", () => {
    expect(violationsOf([...start, put(6, "/pods/web/0001", a)])).toEqual([
      "/pods/web/0001 was created at 6 as number 2 of 1",
    ]);
  });

  it("reports a write of who does not lead yet, and of who leads no more", () => {
    expect(violationsOf([...start, put(6, "/status/web", { by: "controller-b" })])).toEqual([
      "/status/web was written at 6 by controller-b while controller-a led",
    ]);
    expect(violationsOf([...start, gone(6, `${CANDIDATES}1`), put(7, "/pods/web/0000", a, 5)])).toEqual([
      "/pods/web/0000 was written at 7 by controller-a while controller-b led",
    ]);
  });
});
