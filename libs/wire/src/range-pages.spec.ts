import { utf8 } from "@quorate/base";
import type { KeyValue, LeaseId, Revision } from "@quorate/mvcc";
import { ResponseEncoder } from "./etcd-responses";
import { etcdserverpb } from "./protocol";
import { encodeRangeChunk, rangePageOf } from "./range-pages";

function keyValue(key: string): KeyValue {
  return {
    key: utf8(key),
    value: utf8(`value of ${key}`),
    createRevision: 2 as Revision,
    modRevision: 3 as Revision,
    version: 2,
    lease: 0n as LeaseId,
  };
}

function response(keys: readonly string[], more: boolean, count: number): Uint8Array {
  const encoder = new ResponseEncoder({ clusterId: 7n, memberId: 8n });
  return encoder.range({ revision: 9 as Revision, kvs: keys.map(keyValue), more, count }, 4);
}

describe("rangePageOf", () => {
  it("finds the keys and what the answer says beside", () => {
    const page = rangePageOf(response(["a", "b", "c"], true, 12));
    expect(page).toMatchObject({ keys: 3, more: true, count: 12, revision: 9 });
  });

  it("tells an answer without keys", () => {
    const page = rangePageOf(response([], false, 0));
    expect(page).toMatchObject({ keys: 0, more: false, count: 0, revision: 9 });
    expect(page.kvs).toHaveLength(0);
  });

  it("refuses what is no range response", () => {
    expect(() => rangePageOf(Uint8Array.of(0x12, 0xff))).toThrow("Cannot decode RangeResponse");
  });
});

describe("encodeRangeChunk", () => {
  it("makes chunks that merge to the answer they were cut from", () => {
    const whole = response(["a", "b", "c"], true, 12);
    const [first, last] = [
      rangePageOf(response(["a", "b"], true, 12)),
      rangePageOf(response(["c"], true, 0)),
    ];
    const chunks = [
      encodeRangeChunk(first.kvs),
      encodeRangeChunk(last.kvs, { header: first.header, more: last.more, count: first.count }),
    ].map((chunk) => etcdserverpb.RangeStreamResponse.decode(chunk).rangeResponse!);
    expect(chunks[0]).toMatchObject({ header: null, more: false });
    const expected = etcdserverpb.RangeResponse.decode(whole);
    expect([...chunks[0]!.kvs!, ...chunks[1]!.kvs!]).toEqual(expected.kvs);
    expect(chunks[1]).toMatchObject({ header: expected.header, more: true, count: expected.count });
  });
});
