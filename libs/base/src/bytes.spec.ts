import * as fc from "fast-check";
import {
  binaryString,
  bytesOfBinaryString,
  compareBytes,
  concatBytes,
  equalBytes,
  successorOf,
  textOf,
  utf8,
} from "./bytes";

const anyBytes = fc.uint8Array({ maxLength: 12 });

describe("bytes", () => {
  it("orders as unsigned bytes, a prefix before what it begins", () => {
    const sorted = [[], [0], [0, 255], [1], [127], [128], [255], [255, 0]].map((bytes) =>
      Uint8Array.from(bytes),
    );
    const shuffled = [...sorted].reverse().sort(compareBytes);
    expect(shuffled).toEqual(sorted);
  });

  it("keeps order and identity in binary strings", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        const [left, right] = [binaryString(a), binaryString(b)];
        expect(Math.sign(compareBytes(a, b))).toBe(left < right ? -1 : left > right ? 1 : 0);
        expect(bytesOfBinaryString(left)).toEqual(a);
      }),
    );
  });

  it("finds no key between a key and its successor", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (key, other) => {
        const next = successorOf(key);
        expect(compareBytes(key, next)).toBe(-1);
        expect(compareBytes(key, other) < 0 && compareBytes(other, next) < 0).toBe(false);
      }),
    );
  });

  it("joins parts into memory of their own", () => {
    const part = Uint8Array.of(1, 2);
    const joined = concatBytes([part, Uint8Array.of(), Uint8Array.of(3)]);
    part[0] = 9;
    expect(joined).toEqual(Uint8Array.of(1, 2, 3));
    expect(joined.buffer.byteLength).toBe(3);
  });

  it("compares for equality and converts text", () => {
    expect(equalBytes(utf8("ä"), Uint8Array.of(0xc3, 0xa4))).toBe(true);
    expect(equalBytes(utf8("a"), utf8("ab"))).toBe(false);
    expect(textOf(utf8("grüße"))).toBe("grüße");
  });
});
