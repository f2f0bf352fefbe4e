import { ByteReader } from "./byte-reader";
import { ByteWriter } from "./byte-writer";

describe("ByteWriter", () => {
  it.each([
    0,
    1,
    127,
    128,
    16383,
    16384,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 32 + 127,
    2 ** 48 + 1,
    2 ** 53 - 1,
  ])("writes the number %d so that it reads back", (value) => {
    const writer = new ByteWriter(1);
    writer.varint(value);
    expect(writer.length).toBeLessThanOrEqual(8);
    const reader = new ByteReader(writer.view(0, writer.length));
    expect(reader.varint()).toBe(value);
    expect(reader.atEnd).toBe(true);
  });

  it("grows with what is written and starts anew after a reset", () => {
    const writer = new ByteWriter(1);
    writer.raw(new Uint8Array(10_000).fill(7));
    writer.byte(9);
    expect(writer.view(9_999, 10_001)).toEqual(Uint8Array.of(7, 9));
    writer.reset(100);
    expect(writer.length).toBe(0);
  });
});

describe("ByteReader", () => {
  it("refuses to read past the end", () => {
    const reader = new ByteReader(Uint8Array.of(0x80));
    expect(() => reader.varint()).toThrow("a stored row is complete");
    expect(() => new ByteReader(Uint8Array.of(1)).raw(2)).toThrow("a stored row is complete");
  });
});
