import { EffectHistory } from "./effect-history";

describe("EffectHistory", () => {
  it("knows the hash at each index that was applied, however they were batched", () => {
    const history = new EffectHistory();
    expect(history.newest).toBeUndefined();
    history.applied(2, [10, 20]);
    history.applied(3, [30]);
    expect([0, 1, 2, 3, 4].map((index) => history.at(index)?.hash)).toEqual([
      undefined,
      10,
      20,
      30,
      undefined,
    ]);
    expect(history.newest).toEqual({ index: 3, hash: 30 });
  });

  it("begins with the state that it was opened with, and anew with another one", () => {
    const history = new EffectHistory();
    history.restart({ index: 100, hash: 1 });
    history.applied(101, [2]);
    expect([99, 100, 101].map((index) => history.at(index)?.hash)).toEqual([undefined, 1, 2]);
    history.restart({ index: 500, hash: 3 });
    history.applied(501, [4]);
    expect([101, 499, 500, 501].map((index) => history.at(index)?.hash)).toEqual([
      undefined,
      undefined,
      3,
      4,
    ]);
  });

  it("forgets the oldest, and says so", () => {
    const history = new EffectHistory();
    const hashes = Array.from({ length: 20_000 }, (_, at) => at + 1);
    history.applied(15_000, hashes.slice(0, 15_000));
    history.applied(20_000, hashes.slice(15_000));
    expect(history.at(20_000 - 16_384)).toBeUndefined();
    expect(history.at(20_000 - 16_383)?.hash).toBe(20_000 - 16_383);
    expect(history.at(20_000)?.hash).toBe(20_000);
  });
});
