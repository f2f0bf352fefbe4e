import { ByteArena } from "./byte-arena";

describe("ByteArena", () => {
  it.each([0, 1, 300, 9_000, 100_000])("hands out %d zeroed bytes that nothing else has", (length) => {
    const arena = new ByteArena();
    const taken = Array.from({ length: 50 }, (_none, n) => arena.take(length).fill(n + 1));
    expect([...arena.take(length)].every((byte) => byte === 0)).toBe(true);
    for (const [n, bytes] of taken.entries()) {
      expect(bytes.length).toBe(length);
      expect(bytes.every((byte) => byte === n + 1)).toBe(true);
    }
  });

  it("copies what is borrowed", () => {
    const borrowed = Uint8Array.of(1, 2);
    const copy = new ByteArena().copy(borrowed);
    borrowed.fill(9);
    expect([...copy]).toEqual([1, 2]);
  });
});
