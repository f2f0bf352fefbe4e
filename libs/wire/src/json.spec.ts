import { utf8 } from "@quorate/base";
import { JsonMappingError } from "./errors";
import { messageFromJson, messageToJson, parseJson, type JsonValue } from "./json";
import { decodeRangeRequest } from "./etcd-requests";
import { etcdserverpb } from "./protocol";

const { RangeRequest, PutRequest, TxnRequest, Compare } = etcdserverpb;

function rangeFrom(json: JsonValue) {
  return RangeRequest.decode(messageFromJson("etcdserverpb.RangeRequest", json));
}

describe("messageFromJson", () => {
  it("reads the fields under the proto's names and in lowerCamelCase", () => {
    for (const json of [
      { key: "Zm9v", range_end: "Zm9w", sort_order: "DESCEND", keys_only: true, limit: "5" },
      { key: "Zm9v", rangeEnd: "Zm9w", sortOrder: 2, keysOnly: true, limit: 5 },
    ]) {
      expect(decodeRangeRequest(messageFromJson("etcdserverpb.RangeRequest", json))).toMatchObject({
        sortOrder: "descend",
        keysOnly: true,
        limit: 5,
      });
      expect(Buffer.from(rangeFrom(json).rangeEnd!).toString()).toBe("fop");
    }
  });

  it("keeps names such as ID and TTL as they are", () => {
    const bytes = messageFromJson("etcdserverpb.LeaseGrantRequest", { TTL: "30", ID: 7 });
    expect(messageToJson("etcdserverpb.LeaseGrantRequest", bytes)).toEqual({ TTL: "30", ID: "7" });
  });

  it("ignores unknown fields and null", () => {
    expect(messageFromJson("etcdserverpb.RangeRequest", { nonsense: { deep: [1] }, key: null })).toHaveLength(
      0,
    );
  });

  it("reads 64-bit integers to the last digit, quoted or not", () => {
    for (const text of ['{"lease":"9223372036854775807"}', '{"lease":9223372036854775807}']) {
      const put = PutRequest.decode(messageFromJson("etcdserverpb.PutRequest", parseJson(text)));
      expect(put.lease.toString()).toBe("9223372036854775807");
    }
    const lowest = messageFromJson("etcdserverpb.PutRequest", { lease: "-9223372036854775808" });
    expect(PutRequest.decode(lowest).lease.toString()).toBe("-9223372036854775808");
  });

  it.each(["+/8=", "-_8=", "+/8", "-_8"])("reads %s as base64", (text) => {
    expect([...rangeFrom({ key: text }).key]).toEqual([0xfb, 0xff]);
  });

  it("takes an empty range end for an absent one", () => {
    expect(rangeFrom({ key: "YQ==", range_end: "" }).rangeEnd).toBeNull();
  });

  it("passes on enum numbers that have no name", () => {
    expect(rangeFrom({ sort_order: 9 }).sortOrder).toBe(9);
  });

  it("keeps a oneof member that is zero", () => {
    const bytes = messageFromJson("etcdserverpb.TxnRequest", {
      compare: [{ key: "YQ==", target: "CREATE", create_revision: "0" }],
    });
    expect(TxnRequest.decode(bytes).compare[0]).toMatchObject({ targetUnion: "createRevision" });
  });

  it.each<[string, JsonValue, string]>([
    ["a list for the message", [], "expected an object, given an array"],
    ["a number for bytes", { key: 5 }, "key: expected bytes in base64, given 5"],
    ["broken base64", { key: "a" }, 'key: expected bytes in base64, given "a"'],
    ["base64 of two alphabets", { key: "+_==" }, 'key: expected bytes in base64, given "+_=="'],
    ["base64 with wrong padding", { key: "QUI==" }, 'key: expected bytes in base64, given "QUI=="'],
    [
      "a fraction for an integer",
      { limit: 1.5 },
      "limit: expected an integer, as a number or a string, given 1.5",
    ],
    [
      "words for an integer",
      { limit: "ten" },
      'limit: expected an integer, as a number or a string, given "ten"',
    ],
    [
      "an integer beyond 64 bits",
      { limit: "9223372036854775808" },
      "limit: expected an integer from -9223372036854775808 to 9223372036854775807, given " +
        '"9223372036854775808"',
    ],
    ["text for a flag", { keys_only: "true" }, 'keys_only: expected true or false, given "true"'],
    [
      "an unknown enum name",
      { sort_order: "UP" },
      'sort_order: expected one of NONE, ASCEND, DESCEND, given "UP"',
    ],
    [
      "an inherited name for an enum",
      { sort_order: "toString" },
      "sort_order: expected one of NONE, ASCEND, DESCEND",
    ],
    ["one field under two names", { range_end: "YQ==", rangeEnd: "YQ==" }, "rangeEnd: given twice"],
  ])("refuses %s", (_, json, text) => {
    expect(() => rangeFrom(json)).toThrow(JsonMappingError);
    expect(() => rangeFrom(json)).toThrow(text);
  });

  it("names the place of a mistake deep inside", () => {
    const json = { success: [{}, { request_txn: { compare: [{ key: "YQ==" }, { range_end: 1 }] } }] };
    expect(() => messageFromJson("etcdserverpb.TxnRequest", json)).toThrow(
      "success[1].request_txn.compare[1].range_end: expected bytes in base64, given 1",
    );
  });

  it("refuses two members of one oneof", () => {
    const json = { compare: [{ version: 1, mod_revision: 2 }] };
    expect(() => messageFromJson("etcdserverpb.TxnRequest", json)).toThrow(
      "compare[0].mod_revision: another member of target_union is given too",
    );
  });

  it("refuses bottomless nesting", () => {
    let json: JsonValue = {};
    for (let depth = 0; depth < 20_000; depth += 1) json = { success: [{ request_txn: json }] };
    expect(() => messageFromJson("etcdserverpb.TxnRequest", json)).toThrow("nested more than 512 deep");
  });

  it("does not take names of Object.prototype for fields", () => {
    expect(
      messageFromJson("etcdserverpb.RangeRequest", parseJson('{"__proto__":{"key":"YQ=="}}')),
    ).toHaveLength(0);
  });
});

describe("parseJson", () => {
  it.each(["[", '{"a":', '[{"a":'])("refuses what is nested without end by %s as bad JSON", (opening) => {
    expect(() => parseJson(opening.repeat(100_000))).toThrow(SyntaxError);
    expect(() => parseJson(`{"b":"[","a":${"[".repeat(4000)}${"]".repeat(4000)}}`)).toThrow(SyntaxError);
  });

  it("takes a transaction as deep as requests may be, and brackets in strings as what they are", () => {
    let json = '{"failure":[]}';
    for (let depth = 0; depth < 255; depth += 1) json = `{"success":[{"request_txn":${json}}]}`;
    expect(() => messageFromJson("etcdserverpb.TxnRequest", parseJson(json))).not.toThrow();
    const text = `\\"${"[".repeat(5000)}`;
    expect(parseJson(JSON.stringify({ text }))).toEqual({ text });
  });

  it("does not spend time on numbers that fit nowhere", () => {
    const started = performance.now();
    const json = parseJson(`{"limit":${"9".repeat(1_000_000)}}`);
    expect(() => rangeFrom(json)).toThrow("limit: expected an integer");
    expect(performance.now() - started).toBeLessThan(500); // a bigint of so many digits takes several times as long
  });
});

describe("messageToJson", () => {
  it("writes 64-bit integers as strings, bytes in base64, enums by name, and leaves out zeros", () => {
    const bytes = etcdserverpb.WatchResponse.encode({
      header: { revision: 5, raftTerm: 2 },
      created: false,
      events: [{ type: 1, kv: { key: utf8("a"), modRevision: 5 } }, { kv: { key: utf8("b") } }],
    }).finish();
    expect(messageToJson("etcdserverpb.WatchResponse", bytes)).toEqual({
      header: { revision: "5", raft_term: "2" },
      events: [{ type: "DELETE", kv: { key: "YQ==", mod_revision: "5" } }, { kv: { key: "Yg==" } }],
    });
  });

  it("writes identities above 2^63 without a sign", () => {
    const bytes = messageFromJson("etcdserverpb.ResponseHeader", { cluster_id: "14841639068965178418" });
    expect(messageToJson("etcdserverpb.ResponseHeader", bytes)).toEqual({
      cluster_id: "14841639068965178418",
    });
  });

  it("keeps the chosen member of a oneof and messages that are present but empty", () => {
    const bytes = TxnRequest.encode({
      compare: [{ target: Compare.CompareTarget.CREATE, createRevision: 0 }],
      success: [{ requestRange: {} }],
    }).finish();
    expect(messageToJson("etcdserverpb.TxnRequest", bytes)).toEqual({
      compare: [{ target: "CREATE", create_revision: "0" }],
      success: [{ request_range: {} }],
    });
  });

  it("undoes messageFromJson", () => {
    const json = {
      compare: [{ result: "GREATER", target: "VALUE", key: "YQ==", value: "", range_end: "Yg==" }],
      success: [{ request_put: { key: "YQ==", value: "AAEC", lease: "-1", prev_kv: true } }, {}],
      failure: [{ request_delete_range: { key: "YQ==" } }],
    };
    expect(
      messageToJson("etcdserverpb.TxnRequest", messageFromJson("etcdserverpb.TxnRequest", json)),
    ).toEqual(json);
  });
});
