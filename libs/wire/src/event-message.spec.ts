import { utf8 } from "@quorate/base";
import fc from "fast-check";
import { EVENT_VALUE_BYTES_MAX, eventMessageOf } from "./event-message";
import { wireId } from "./int64";
import { mvccpb } from "./protocol";
import { parseClusterName, Subjects } from "./subjects";

const subjects = new Subjects(parseClusterName("c1"));

function put(fields: mvccpb.KeyValue.$Properties): Uint8Array {
  return mvccpb.Event.encode({ type: mvccpb.Event.EventType.PUT, kv: fields }).finish();
}

describe("eventMessageOf", () => {
  it("makes of a put the value, with all numbers in headers", () => {
    const kv = { createRevision: 5, modRevision: 9, version: 3, lease: wireId(0x7abcn) };
    const event = put({ key: utf8("jobs/7"), value: utf8("done"), ...kv });
    expect(eventMessageOf(event, subjects)).toEqual({
      subject: "quorate.c1.event.put.jobs.7",
      payload: utf8("done"),
      headers: {
        "Quorate-Revision": "9",
        "Quorate-Create-Revision": "5",
        "Quorate-Version": "3",
        "Quorate-Lease": "7abc",
      },
    });
  });

  it("makes of a delete an empty message with its revision", () => {
    const event = mvccpb.Event.encode({
      type: mvccpb.Event.EventType.DELETE,
      kv: { key: utf8("/a"), modRevision: 2 ** 40 },
    }).finish();
    expect(eventMessageOf(event, subjects)).toEqual({
      subject: "quorate.c1.event.delete.%.a",
      payload: new Uint8Array(0),
      headers: { "Quorate-Revision": "1099511627776" },
    });
  });

  it("leaves out a value that a plain subscriber could not be sent in one piece, and says how large it is", () => {
    const kv = { key: utf8("a"), createRevision: 2, modRevision: 2, version: 1 };
    const fits = eventMessageOf(put({ ...kv, value: new Uint8Array(EVENT_VALUE_BYTES_MAX) }), subjects);
    expect([fits?.payload.length, fits?.headers["Quorate-Value-Bytes"]]).toEqual([524_288, undefined]);
    const large = eventMessageOf(put({ ...kv, value: new Uint8Array(EVENT_VALUE_BYTES_MAX + 1) }), subjects);
    expect([large?.payload.length, large?.headers["Quorate-Value-Bytes"]]).toEqual([0, "524289"]);
  });

  it("has no message for a key that is too long for a subject", () => {
    expect(eventMessageOf(put({ key: new Uint8Array(5000).fill(0x61) }), subjects)).toBeUndefined();
  });
});

describe("an event subject", () => {
  const trickyByte = fc.constantFrom(0x2f, 0x25, 0x2e, 0x2a, 0x3e, 0x20, 0x00, 0xff, 0x61, 0x32, 0x66);
  const key = fc
    .array(fc.oneof(trickyByte, fc.nat(255)), { minLength: 1, maxLength: 12 })
    .map((bytes) => Uint8Array.from(bytes));

  it("is one that a broker takes, and leads back to its key, whatever bytes that has", () => {
    fc.assert(
      fc.property(key, (bytes) => {
        const subject = subjects.event("put", bytes)!;
        expect(subject).toMatch(/^quorate\.c1\.event\.put(\.[A-Za-z0-9_%-]+)+$/);
        expect(keyOf(subject)).toEqual(Array.from(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  /** As the README tells subscribers to do it. */
  function keyOf(subject: string): number[] {
    const tokens = subject.split(".").slice(4);
    const text = tokens.map((token) => (token === "%" ? "" : token)).join("/");
    const bytes: number[] = [];
    for (const [match] of text.matchAll(/%[0-9a-f]{2}|[^%]/g)) {
      bytes.push(match.length === 1 ? match.charCodeAt(0) : Number.parseInt(match.slice(1), 16));
    }
    return bytes;
  }
});
