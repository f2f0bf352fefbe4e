import { AnswerBudget, type AnswerClaim } from "./answer-budget";

/** What became of each attempt to grow, in order. */
function growing() {
  const told: string[] = [];
  const grow = (name: string, claim: AnswerClaim, bytes: number): void =>
    claim.grow(bytes, (refusal) => told.push(`${name} ${refusal ?? "ok"}`));
  return { told, grow };
}

describe("AnswerBudget", () => {
  it("lets answers grow up to the limit, and those that find no room wait for it, the oldest first", () => {
    const budget = new AnswerBudget({ bytesMax: 100 });
    const { told, grow } = growing();
    const [a, b, c] = [budget.open(), budget.open(), budget.open()];
    grow("a", a, 80);
    grow("c", c, 30);
    grow("b", b, 90);
    expect([told, budget.held]).toEqual([["a ok"], 80]);
    a.release();
    expect([told, budget.held]).toEqual([["a ok", "b ok"], 90]);
    b.release();
    expect(told).toEqual(["a ok", "b ok", "c ok"]);
  });

  it("refuses at once what could never have room", () => {
    const budget = new AnswerBudget({ bytesMax: 100 });
    const { told, grow } = growing();
    const claim = budget.open();
    grow("a", claim, 60);
    grow("a", claim, 41);
    expect(told).toEqual(["a ok", "a answer-too-large"]);
  });

  it("refuses the youngest when all wait for each other, so that the others go on", () => {
    const budget = new AnswerBudget({ bytesMax: 100 });
    const { told, grow } = growing();
    const [a, b, c] = [budget.open(), budget.open(), budget.open()];
    grow("a", a, 40);
    grow("b", b, 30);
    grow("c", c, 30);
    grow("b", b, 10);
    grow("c", c, 10);
    expect(told).toHaveLength(3);
    grow("a", a, 20);
    expect(told.slice(3)).toEqual(["c too-many-requests", "a ok", "b ok"]);
    a.release();
    b.release();
    expect(budget.held).toBe(0);
  });

  it("forgets who was released while waiting", () => {
    const budget = new AnswerBudget({ bytesMax: 100 });
    const { told, grow } = growing();
    const [a, b] = [budget.open(), budget.open()];
    grow("a", a, 100);
    grow("b", b, 50);
    b.release();
    b.release();
    a.release();
    expect([told, budget.held]).toEqual([["a ok"], 0]);
  });
});
