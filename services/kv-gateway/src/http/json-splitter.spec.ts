import { utf8 } from "@quorate/base";
import fc from "fast-check";
import { JsonSplitter, JsonStreamError } from "./json-splitter";

describe("JsonSplitter", () => {
  function split(parts: readonly string[], bytesMax = 1000): string[] {
    const splitter = new JsonSplitter({ bytesMax });
    const texts = parts.flatMap((part) => splitter.push(utf8(part)));
    splitter.end();
    return texts;
  }

  it("finds objects with anything or nothing between them", () => {
    expect(split(['{"a":1}{"b":{}}\n\n {"c":[{"d":2}]} '])).toEqual([
      '{"a":1}',
      '{"b":{}}',
      '{"c":[{"d":2}]}',
    ]);
  });

  it("is not confused by brackets and quotes in strings", () => {
    const objects = ['{"a":"}{"}', '{"\\"":"\\\\"}', '{"[":"\\"}"}'];
    expect(split([objects.join("")])).toEqual(objects);
  });

  it("does not care where chunks end", () => {
    const value = fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue(), { maxKeys: 4 });
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 4 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (values, sizes) => {
          const bytes = utf8(values.map((item) => JSON.stringify(item)).join("\n"));
          const splitter = new JsonSplitter({ bytesMax: 10_000 });
          const texts: string[] = [];
          for (let at = 0; at < bytes.length;) {
            const size = sizes.next().value as number;
            texts.push(...splitter.push(bytes.subarray(at, at + size)));
            at += size;
          }
          splitter.end();
          expect(texts).toEqual(values.map((item) => JSON.stringify(item)));
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each(["[1]", '"a"', "1", "}", "nonsense", '{}"'])("refuses %s, which is no object", (text) => {
    expect(() => split([text])).toThrow(JsonStreamError);
    expect(() => split([text])).toThrow("expected an object");
  });

  it("refuses a stream that ends inside of an object", () => {
    expect(() => split(['{"a":', "1"])).toThrow("unexpected end of JSON");
  });

  it("refuses an object above the limit before it has come to its end", () => {
    const splitter = new JsonSplitter({ bytesMax: 10 });
    expect(splitter.push(utf8('{"a":"12"}'))).toHaveLength(1);
    splitter.push(utf8('{"a":"'));
    expect(() => splitter.push(utf8("12345"))).toThrow("http: message larger than max (10 bytes)");
  });
});
