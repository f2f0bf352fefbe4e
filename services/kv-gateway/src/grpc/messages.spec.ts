import { deflateSync, gzipSync } from "node:zlib";
import { utf8 } from "@quorate/base";
import { framed, MessageReader, RECEIVE_BYTES_MAX } from "./messages";

function compressed(message: Uint8Array): Uint8Array {
  const frame = framed(message);
  frame[0] = 1;
  return frame;
}

/** All messages that can be read, as text; failures by their codes. */
function read(reader: MessageReader): string[] {
  const all: string[] = [];
  for (let next = reader.next(); next !== undefined; next = reader.next()) {
    if (!(next instanceof Uint8Array)) return [...all, `${next.code}: ${next.detail}`];
    all.push(Buffer.from(next).toString());
  }
  return all;
}

describe("MessageReader", () => {
  it("finds messages wherever the chunks are cut", () => {
    const bytes = Buffer.concat([framed(utf8("one")), framed(utf8("")), framed(utf8("three"))]);
    for (let size = 1; size <= bytes.length; size += 1) {
      const reader = new MessageReader(undefined);
      const all: string[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        reader.push(bytes.subarray(at, at + size));
        all.push(...read(reader));
      }
      expect(all).toEqual(["one", "", "three"]);
      expect(reader.isPartial).toBe(false);
    }
  });

  it("keeps messages apart from the memory they came in", () => {
    const reader = new MessageReader(undefined);
    const chunk = framed(utf8("one"));
    reader.push(chunk);
    const message = reader.next();
    chunk.fill(0);
    expect(message).toEqual(new Uint8Array(utf8("one")));
  });

  it("refuses a message that is too long before it is there", () => {
    const reader = new MessageReader(undefined);
    reader.push(framed(new Uint8Array(RECEIVE_BYTES_MAX + 1)).subarray(0, 5));
    expect(read(reader)).toEqual([
      "message-too-large: grpc: received message larger than max (2097153 vs. 2097152)",
    ]);
  });

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ])("reads messages compressed with %s, and those beside them that are not", (encoding, compress) => {
    const reader = new MessageReader(encoding);
    reader.push(Buffer.concat([compressed(compress("squeezed")), framed(utf8("plain"))]));
    expect(read(reader)).toEqual(["squeezed", "plain"]);
  });

  it("refuses what it cannot decompress, and what would become too long", () => {
    const unknown = new MessageReader("snappy");
    unknown.push(compressed(utf8("?")));
    expect(read(unknown)).toEqual([
      'unimplemented: grpc: Decompressor is not installed for grpc-encoding "snappy"',
    ]);
    const broken = new MessageReader("gzip");
    broken.push(compressed(utf8("?")));
    expect(read(broken)[0]).toMatch(/^unreadable-message: grpc: failed to decompress/);
    const bomb = new MessageReader("gzip");
    bomb.push(compressed(gzipSync(new Uint8Array(RECEIVE_BYTES_MAX * 4))));
    expect(read(bomb)[0]).toMatch(/^message-too-large/);
  });
});
