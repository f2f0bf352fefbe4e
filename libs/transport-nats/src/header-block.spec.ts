import { headers as libraryHeaders } from "nats";
import fc from "fast-check";
import { HEADERS_MAX, readHeaderBlock } from "./header-block";

function block(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

describe("readHeaderBlock", () => {
  it("reads what the library writes", () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/);
    const value = fc.stringMatching(/^[ -~é-ž]{0,20}$/).map((text) => text.trim());
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 20, noNullPrototype: true }), (headers) => {
        const written = libraryHeaders();
        for (const [key, text] of Object.entries(headers)) written.set(key, text);
        const { encode } = written as unknown as { encode: () => Uint8Array };
        const bytes = encode.call(written);
        const read = bytes.length === 0 ? {} : readHeaderBlock(bytes).headers;
        expect(read).toEqual(headers);
      }),
    );
  });

  it("reads the broker's status", () => {
    expect(readHeaderBlock(block("NATS/1.0 503\r\n\r\n"))).toEqual({ status: 503, headers: {} });
    expect(readHeaderBlock(block("NATS/1.0 408 Request Timeout\r\nA: b\r\n\r\n"))).toEqual({
      status: 408,
      headers: { A: "b" },
    });
    expect(readHeaderBlock(block("NATS/1.0\r\nA: b\r\n\r\n")).status).toBe(0);
  });

  it("takes the first of two values, and whatever else a client may have put there", () => {
    const text =
      "NATS/1.0\r\nA: 1\r\nA: 2\r\nnäme with space: x\r\nno colon\r\n: nameless\r\n__proto__: p\r\n\r\n";
    const { headers } = readHeaderBlock(block(text));
    expect(Object.entries(headers)).toEqual([
      ["A", "1"],
      ["näme with space", "x"],
      ["__proto__", "p"],
    ]);
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
  });

  it("returns for any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readHeaderBlock(bytes)));
  });

  it("reads only so many headers, in a time that does not grow with the square of them", () => {
    const lines = Array.from({ length: 150_000 }, (_, at) => `k${at.toString(36)}:\r\n`).join("");
    const started = performance.now();
    const { headers } = readHeaderBlock(block(`NATS/1.0\r\n${lines}\r\n`));
    expect(Object.keys(headers)).toHaveLength(HEADERS_MAX);
    expect(performance.now() - started).toBeLessThan(500); // the library's own reader takes minutes
  });
});
