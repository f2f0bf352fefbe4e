import { fragmentsOf } from "./fragments";

const sizes = (lengths: readonly number[], bytesMax: number): number[][] =>
  fragmentsOf(
    lengths.map((length) => new Uint8Array(length)),
    bytesMax,
  ).map((part) => part.map(({ length }) => length));

describe("fragmentsOf", () => {
  it.each([
    ["all together", [10, 20], 1000, [[10, 20]]],
    ["split before the limit is reached", [400, 400, 400], 1000, [[400, 400], [400]]],
    ["one huge event alone", [10, 5000, 10], 1000, [[10], [5000], [10]]],
    ["a single huge event", [5000], 1000, [[5000]]],
  ])("keeps %s", (_what, lengths, bytesMax, expected) => {
    expect(sizes(lengths, bytesMax)).toEqual(expected);
  });
});
