import { textOf } from "@quorate/base";
import { between, everyKey, exactly, prefix, startingAt } from "./key-range";

describe("prefix", () => {
  it.each([
    ["a", [0x62]],
    ["ab", [0x61, 0x63]],
  ])("ends %p before the first key that does not begin with it", (text, end) => {
    expect([...prefix(text).end!]).toEqual(end);
  });

  it("drops trailing 0xff bytes, which cannot grow", () => {
    expect([...prefix(new Uint8Array([1, 0xff, 0xff])).end!]).toEqual([2]);
  });

  it("has no upper bound if no byte can grow", () => {
    const range = prefix(new Uint8Array([0xff]));
    expect([[...range.start], [...range.end!]]).toEqual([[0xff], [0]]);
  });

  it("means every key if it is empty", () => {
    expect(prefix("")).toEqual(everyKey());
  });

  it("leaves the bytes it was given alone", () => {
    const given = new Uint8Array([1, 2]);
    prefix(given);
    expect([...given]).toEqual([1, 2]);
  });
});

describe("key ranges", () => {
  it("have no end for a single key", () => {
    expect(exactly("k").end).toBeUndefined();
  });

  it("take text as UTF-8", () => {
    const { start, end } = between("ä", "ö");
    expect([textOf(start), textOf(end!)]).toEqual(["ä", "ö"]);
  });

  it("begin at the first key of all if they start at the empty one", () => {
    expect(startingAt("")).toEqual(everyKey());
  });
});
