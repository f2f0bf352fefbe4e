import { assertNever, invariant, InvariantError } from "./invariant";

describe("invariant", () => {
  it("lets a true condition pass", () => {
    expect(() => invariant(true, "never shown")).not.toThrow();
  });

  it("throws the rule with its facts, ids in hexadecimal", () => {
    const check = (): void =>
      invariant(false, "terms never fall", { from: 3, member: 255n, last: { index: 7n } });
    expect(check).toThrow(InvariantError);
    expect(check).toThrow('Invariant broken: terms never fall (from=3, member=ff, last={"index":"7"})');
  });

  it("treats an unhandled union member as a broken invariant", () => {
    expect(() => assertNever("surprise" as never)).toThrow(
      "every case of a union is handled (value=surprise)",
    );
  });
});
