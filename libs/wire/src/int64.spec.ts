import fc from "fast-check";
import Long from "long";
import { DecodeError } from "./errors";
import { counterOf, saturatingNumber, signedId, unsignedId, wireId } from "./int64";

const MAX = Number.MAX_SAFE_INTEGER;
const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe("saturatingNumber", () => {
  it("is exact for every safe integer", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => saturatingNumber(Long.fromNumber(value)) === value),
    );
  });

  it.each([
    ["9007199254740991", MAX],
    ["9007199254740992", MAX],
    ["9223372036854775807", MAX],
    ["-9007199254740991", -MAX],
    ["-9007199254740992", -MAX],
    ["-9223372036854775808", -MAX],
  ])("turns %s into %d", (text, expected) => {
    expect(saturatingNumber(Long.fromString(text))).toBe(expected);
  });

  it("keeps the order of any two int64 values", () => {
    fc.assert(
      fc.property(signed, signed, (a, b) => {
        const [low, high] = a <= b ? [a, b] : [b, a];
        return saturatingNumber(wireId(low)) <= saturatingNumber(wireId(high));
      }),
    );
  });
});

describe("counterOf", () => {
  it("is exact up to 2^53-1 and refuses more", () => {
    expect(counterOf(Long.fromNumber(MAX, true), "term")).toBe(MAX);
    expect(() => counterOf(Long.fromString("9007199254740992", true), "term")).toThrow(DecodeError);
    expect(() => counterOf(Long.MAX_UNSIGNED_VALUE, "term")).toThrow("Cannot decode term");
  });
});

describe("64-bit identities", () => {
  it("come back as they were sent", () => {
    fc.assert(fc.property(unsigned, (id) => unsignedId(wireId(id)) === id));
    fc.assert(fc.property(signed, (id) => signedId(wireId(id)) === id));
  });
});
