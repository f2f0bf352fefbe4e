import { brokerCountAdvice, voterCountAdvice } from "./cluster-advice";

describe("advice about the number of voters", () => {
  it.each([1, 3, 5, 7])("has nothing to say about %d", (voters) => {
    expect(voterCountAdvice(voters)).toBeUndefined();
  });

  it.each([
    [2, "survive the loss of 0, as 1 do: a majority is 2", "Run 1 or 3."],
    [4, "survive the loss of 1, as 3 do: a majority is 3", "Run 3 or 5."],
    [8, "survive the loss of 3, as 7 do: a majority is 5", "Run 7 or 9."],
    [9, "each write waits for 5 disks", "Run 5, or 7"],
  ])("warns of %d", (voters, text, remedy) => {
    expect(voterCountAdvice(voters)?.text).toContain(text);
    expect(voterCountAdvice(voters)?.remedy).toContain(remedy);
  });
});

describe("advice about the number of brokers", () => {
  it("warns of a single one, unless there is but one voter, whose loss is no worse", () => {
    expect(brokerCountAdvice(3, 1)?.text).toContain("3 voters meet at a single broker");
    expect(brokerCountAdvice(1, 1)).toBeUndefined();
    expect(brokerCountAdvice(3, 2)).toBeUndefined();
  });
});
