import { utf8 } from "@quorate/base";
import { isEmptyRange, isSingleKey, rangeContains } from "./key-range";

const zero = Uint8Array.of(0);
const none = new Uint8Array(0);

describe("a key range", () => {
  it.each([
    ["without an end holds the key", "b", undefined, "b", true],
    ["without an end holds no other key", "b", undefined, "ba", false],
    ["holds its start", "b", utf8("d"), "b", true],
    ["does not hold its end", "b", utf8("d"), "d", false],
    ["holds what begins with its start", "b", utf8("d"), "bzz", true],
    ["to a zero byte holds every later key", "b", zero, "zzz", true],
    ["to a zero byte holds no earlier key", "b", zero, "a", false],
    ["to a present but empty end holds every later key", "b", none, "zzz", true],
    ["that ends before it starts holds nothing", "d", utf8("b"), "c", false],
  ])("%s", (_rule, key, rangeEnd, candidate, contains) => {
    expect(rangeContains({ key: utf8(key), rangeEnd }, utf8(candidate))).toBe(contains);
  });

  it("is empty if its end is not after its start", () => {
    expect(isEmptyRange({ key: utf8("b"), rangeEnd: utf8("b") })).toBe(true);
    expect(isEmptyRange({ key: utf8("b"), rangeEnd: utf8("a") })).toBe(true);
    expect(isEmptyRange({ key: utf8("b"), rangeEnd: utf8("ba") })).toBe(false);
    expect(isEmptyRange({ key: utf8("b"), rangeEnd: zero })).toBe(false);
    expect(isEmptyRange({ key: utf8("b"), rangeEnd: undefined })).toBe(false);
  });

  it("is a single key only without an end", () => {
    expect(isSingleKey({ key: utf8("b"), rangeEnd: undefined })).toBe(true);
    expect(isSingleKey({ key: utf8("b"), rangeEnd: none })).toBe(false);
  });
});
