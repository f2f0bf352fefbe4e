import type { Change } from "../checkers/history";
import { countViolations, type Count } from "../workloads/lock-contender";

const NAMES = { lock: "lock", value: "value" };

function log(...counts: readonly Count[]): Change[] {
  return counts.map((count, at) => ({ revision: at + 2, key: "value", value: JSON.stringify(count) }));
}

describe("what was counted under a lock", () => {
  it("is right if every count is one more, and tokens never fall", () => {
    const changes = log({ count: 1, token: 5 }, { count: 2, token: 5 }, { count: 3, token: 9 });
    expect(countViolations([...changes, { revision: 9, key: "other", value: "x" }], NAMES)).toEqual([]);
  });

  it("shows an update that was lost", () => {
    const changes = log({ count: 1, token: 5 }, { count: 2, token: 5 }, { count: 2, token: 9 });
    expect(countViolations(changes, NAMES)).toEqual(["count 2 stands at 3: an update was lost"]);
  });

  it("shows a write of who had lost the lock", () => {
    const changes = log({ count: 1, token: 9 }, { count: 2, token: 5 });
    expect(countViolations(changes, NAMES)).toEqual(["token 5 came after 9"]);
  });
});
