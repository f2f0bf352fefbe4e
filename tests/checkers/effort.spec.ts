import { checkEffort, type Effort } from "./effort";
import { put, refused, unknown } from "./operation-builders";
import { NotCheckedError } from "./violation";

const operations = Array.from({ length: 100 }, (_, at) =>
  put(1, [at * 10, at * 10 + 5], "a", `${at}`, 2 + at),
);
const effort = (fields: Partial<Effort> = {}): Effort => ({
  operations,
  phases: [
    { name: "before", from: 0, to: 500, operationsPerSecondMin: 90 },
    { name: "after", from: 500, to: 1000, operationsPerSecondMin: 90 },
  ],
  durationMsMin: 990,
  counts: { "leaders lost": { seen: 1, min: 1 }, "watch events": { seen: 50, min: 10 } },
  ...fields,
});

describe("checkEffort", () => {
  it("says in one line what happened", () => {
    expect(checkEffort(effort())).toBe(
      "operations per second before: 100, operations per second after: 100, milliseconds: 995, leaders lost: 1, watch events: 50",
    );
  });

  it.each<[string, Partial<Effort>, string]>([
    ["nothing was done", { operations: [] }, "operations per second before: 0, needed 90"],
    [
      "nothing was done after the fault",
      { operations: operations.slice(0, 50) },
      "operations per second after: 0, needed 90",
    ],
    [
      "nothing succeeded",
      {
        operations: operations.map(({ request, calledAt }, at) =>
          at % 2 === 0 ? unknown(1, calledAt, request) : refused(1, [calledAt, calledAt + 5], request),
        ),
      },
      "operations per second before: 0",
    ],
    [
      "the fault had no effect",
      { counts: { "leaders lost": { seen: 0, min: 1 } } },
      "leaders lost: 0, needed 1",
    ],
    ["a count is missing", { counts: { events: { seen: NaN, min: 1 } } }, "events: NaN"],
    ["it was over too soon", { durationMsMin: 2000 }, "milliseconds: 995, needed 2000"],
    [
      "a phase has no length",
      { phases: [{ name: "x", from: 5, to: 5, operationsPerSecondMin: 1 }] },
      "x: 0, needed 1",
    ],
  ])("is red if %s", (_name, fields, message) => {
    expect(() => checkEffort(effort(fields))).toThrow(NotCheckedError);
    expect(() => checkEffort(effort(fields))).toThrow(message);
  });
});
