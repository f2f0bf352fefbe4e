import * as fc from "fast-check";
import { compareBytes } from "./bytes";
import { hexId, parseHexId, readUint32, readUint64, writeUint32, writeUint64 } from "./fixed-integers";

function encoded(value: number): Uint8Array {
  const bytes = new Uint8Array(10);
  writeUint64(bytes, 1, value);
  return bytes;
}

describe("fixed integers", () => {
  it("reads back every safe integer, in numeric order of the bytes", () => {
    const safe = fc.maxSafeNat();
    fc.assert(
      fc.property(safe, safe, (a, b) => {
        expect(readUint64(encoded(a), 1)).toBe(a);
        expect(Math.sign(compareBytes(encoded(a), encoded(b)))).toBe(Math.sign(a - b));
      }),
    );
  });

  it.each([0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER])("holds the boundary %d", (value) => {
    expect(readUint64(encoded(value), 1)).toBe(value);
  });

  it("reads back 32 bits", () => {
    const bytes = new Uint8Array(4);
    writeUint32(bytes, 0, 0xdeadbeef);
    expect(readUint32(bytes, 0)).toBe(0xdeadbeef);
  });

  it("prints ids as etcd does and parses them again", () => {
    expect(hexId(0x8e9e05c52164694dn)).toBe("8e9e05c52164694d");
    expect(hexId(-1n)).toBe("ffffffffffffffff");
    expect(parseHexId("2A")).toBe(42n);
    for (const bad of ["", "0x1", "g", "11112222333344445"])
      expect(() => parseHexId(bad)).toThrow(RangeError);
  });
});
