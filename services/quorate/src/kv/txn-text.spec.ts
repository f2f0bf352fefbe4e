import { compare, operation, prefix } from "@quorate/client";
import { parseTransaction } from "./txn-text";

describe("parseTransaction", () => {
  it("reads conditions and both branches", () => {
    const text = `mod("key1") > "0"\nvalue("key 2") = "a \\"b\\""\n\nput key1 "over written"\nget key2\n\ndel key1 key9\n`;
    expect(parseTransaction(text)).toEqual({
      conditions: [compare.modRevision("key1", ">", 0), compare.value("key 2", "=", 'a "b"')],
      then: [operation.put("key1", "over written"), operation.get("key2", { limit: 0, revision: 0 })],
      otherwise: [
        operation.deleteRange({
          start: new TextEncoder().encode("key1"),
          end: new TextEncoder().encode("key9"),
        }),
      ],
    });
  });

  it.each([
    ['c("k") = "0"', compare.createRevision("k", "=", 0)],
    ['create("k") != "7"', compare.createRevision("k", "!=", 7)],
    ['m("k") < "7"', compare.modRevision("k", "<", 7)],
    ['ver("k") = "1"', compare.version("k", "=", 1)],
    ['version( "k" )="1"', compare.version("k", "=", 1)],
    ['val("k") = ""', compare.value("k", "=", "")],
    ['lease("k") = "ff"', compare.lease("k", "=", 0xffn)],
    ['val("a(b)=c") = "x"', compare.value("a(b)=c", "=", "x")],
  ])("reads the condition %s", (line, expected) => {
    expect(parseTransaction(`${line}\n\n\n`).conditions).toEqual([expected]);
  });

  it("reads flags of operations", () => {
    const { then } = parseTransaction("\nget --prefix jobs/ --limit 5\nput k v --lease=1f --prev-kv\n");
    expect(then).toEqual([
      operation.range(prefix("jobs/"), { limit: 5, revision: 0 }),
      operation.put("k", "v", { lease: 0x1fn, previous: true }),
    ]);
  });

  it("takes missing blocks as empty", () => {
    expect(parseTransaction("")).toEqual({ conditions: [], then: [], otherwise: [] });
    expect(parseTransaction("\n\nput a b").otherwise).toHaveLength(1);
  });

  it.each([
    ['mood("k") = "0"', /"mood" .* is none of version/],
    ['mod("k") = "x"', /not a whole number/],
    ['mod "k" = 0', /is not a condition/],
    ["\nfetch k", /does not begin with put, get or del/],
    ["\nput k", /names no value/],
    ["\nget", /names no key/],
    ['\nput k "v', /is not closed/],
    ["\nput k v w", /too many words/],
    ["\nget k --lease=1", /--lease/],
    ["\n\n\nput a b", /comes after the third block/],
  ])("quotes what it cannot read: %p", (text, message) => {
    expect(() => parseTransaction(text)).toThrow(message);
  });
});
