import { KeyValue, type RangeResult, type TransactionResult } from "@quorate/client";
import { renderDelete, renderPut, renderRange, renderTransaction } from "./kv-output";
import { parseOutputFormat, type OutputFormat } from "./output-format";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (from: string): Uint8Array => Buffer.from(from, "latin1");

// Ids that no double holds: they must not be rounded on their way into JSON.
const header = { clusterId: 18313758221820662318n, memberId: 11474789679860133653n, revision: 9, term: 2 };
const nested = { clusterId: 0n, memberId: 0n, revision: 9, term: 0 };
const keyValue = new KeyValue({
  key: bytes("lk"),
  value: bytes("v\xff"),
  createRevision: 4,
  modRevision: 9,
  version: 2,
  lease: 3392796032275835417n,
});
const found: RangeResult = { header, revision: 9, keyValues: [keyValue], count: 1, more: false };
const nothing: RangeResult = { ...found, keyValues: [], count: 0 };
const headJson =
  '"header":{"cluster_id":18313758221820662318,"member_id":11474789679860133653,"revision":9,"raft_term":2}';
const kvJson =
  '{"key":"bGs=","create_revision":4,"mod_revision":9,"version":2,"value":"dv8=","lease":3392796032275835417}';

describe("the output of get, put and del", () => {
  it("is the bytes as they are", () => {
    expect(text(renderRange(found, "simple"))).toBe("lk\nv\xff\n");
    expect(text(renderRange(nothing, "simple"))).toBe("");
    expect(text(renderRange(found, "simple", true))).toBe("1\n");
    expect(text(renderPut({ header, revision: 9, previous: keyValue }, "simple"))).toBe("OK\nlk\nv\xff\n");
    const deleted = { header, revision: 9, deleted: 1, previous: [keyValue] };
    expect(text(renderDelete(deleted, "simple"))).toBe("1\nlk\nv\xff\n");
  });

  it("is etcdctl's JSON: whole ids, base64, and nothing that is zero", () => {
    expect(text(renderRange(found, "json"))).toBe(`{${headJson},"kvs":[${kvJson}],"count":1}\n`);
    expect(text(renderRange({ ...found, more: true }, "json"))).toContain('],"more":true,"count":1}');
    expect(text(renderRange(nothing, "json"))).toBe(`{${headJson}}\n`);
    expect(text(renderPut({ header, revision: 9, previous: undefined }, "json"))).toBe(`{${headJson}}\n`);
    expect(text(renderPut({ header, revision: 9, previous: keyValue }, "json"))).toBe(
      `{${headJson},"prev_kv":${kvJson}}\n`,
    );
    expect(text(renderDelete({ header, revision: 9, deleted: 1, previous: [keyValue] }, "json"))).toBe(
      `{${headJson},"deleted":1,"prev_kvs":[${kvJson}]}\n`,
    );
  });

  it("is etcdctl's fields, a line each", () => {
    const lines = Buffer.from(renderRange(found, "fields")).toString().split("\n");
    expect(lines.slice(0, 5)).toEqual([
      '"ClusterID" : 18313758221820662318',
      '"MemberID" : 11474789679860133653',
      '"Revision" : 9',
      '"RaftTerm" : 2',
      '"Key" : "lk"',
    ]);
    expect(lines.slice(-5)).toEqual(['"Value" : "v\uFFFD"', '"Lease" : 3392796032275835417', '"More" : false', '"Count" : 1', ""]); // prettier-ignore
  });

  it("is a table that a person can read", () => {
    const table = text(renderRange(found, "table"));
    expect(table).toContain("KEY");
    expect(table).toContain("2f15a203fb27ea19");
  });
});

describe("the output of txn", () => {
  const result: TransactionResult = {
    header,
    revision: 9,
    succeeded: true,
    results: [
      { kind: "put", header: nested, revision: 9, previous: undefined },
      { kind: "range", ...found, header: nested },
      { kind: "delete", header: nested, revision: 9, deleted: 0, previous: [] },
    ],
  };

  it("tells which branch ran, and each result after an empty line", () => {
    expect(text(renderTransaction(result, "simple"))).toBe("SUCCESS\n\nOK\n\nlk\nv\xff\n\n0\n");
  });

  it("nests results in JSON as etcdctl does", () => {
    expect(text(renderTransaction(result, "json"))).toBe(
      `{${headJson},"succeeded":true,"responses":[` +
        '{"Response":{"ResponsePut":{"header":{"revision":9}}}},' +
        `{"Response":{"ResponseRange":{"header":{"revision":9},"kvs":[${kvJson}],"count":1}}},` +
        '{"Response":{"ResponseDeleteRange":{"header":{"revision":9}}}}]}\n',
    );
  });
});

describe("parseOutputFormat", () => {
  it("takes what it can write, simple unless told, and refuses the rest by name", () => {
    const formats: OutputFormat[] = ["simple", "json", "fields", "table"];
    expect(formats.map(parseOutputFormat)).toEqual(formats);
    expect(parseOutputFormat()).toBe("simple");
    expect(() => parseOutputFormat("protobuf")).toThrow(
      '-w "protobuf" is none of simple, json, fields, table.',
    );
  });
});
