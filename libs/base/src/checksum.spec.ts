import { utf8 } from "./bytes";
import { crc32c } from "./checksum";

describe("crc32c", () => {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  it.each<[string, Uint8Array, number]>([
    ["nothing", new Uint8Array(0), 0],
    ["the digits", utf8("123456789"), 0xe3069283],
    ["32 zeros", new Uint8Array(32), 0x8a9136aa],
    ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ["32 ascending bytes", Uint8Array.from({ length: 32 }, (_none, at) => at), 0x46dd794e],
  ])("of %s is what the standard says", (_what, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it("is the same however the bytes are cut", () => {
    const bytes = Uint8Array.from({ length: 100 }, (_none, at) => (at * 167) % 251);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
    }
  });
});
