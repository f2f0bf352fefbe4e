import { orderViolations, type AcknowledgedWrite } from "./write-load";

// The tests of faults rely on this check, so it is tested on histories that are wrong.
describe("orderViolations", () => {
  const write = (key: string, revision: number, calledAt: number, returnedAt: number): AcknowledgedWrite => ({
    key,
    value: "",
    revision,
    calledAt,
    returnedAt,
  });

  it("accepts any order of writes that overlapped", () => {
    expect(orderViolations([write("a", 3, 0, 10), write("b", 2, 5, 15), write("c", 4, 16, 17)])).toEqual([]);
  });

  it("reports a write that has a smaller revision than one which had returned before it was called", () => {
    expect(orderViolations([write("a", 3, 0, 10), write("b", 2, 11, 15)])).toEqual([
      "b has revision 2, not above 3 of a, which had returned",
    ]);
  });

  it("reports a revision that was given out twice", () => {
    expect(orderViolations([write("a", 3, 0, 10), write("b", 3, 5, 15)])).toEqual([
      "b and a were both acknowledged at 3",
    ]);
  });
});
