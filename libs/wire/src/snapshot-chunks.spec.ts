import { utf8 } from "@quorate/base";
import fc from "fast-check";
import { DecodeError } from "./errors";
import { quorate } from "./protocol";
import {
  decodeSnapshotChunk,
  decodeSnapshotChunkRequest,
  decodeSnapshotRows,
  encodeSnapshotChunk,
  encodeSnapshotChunkRequest,
  encodeSnapshotGone,
  encodeSnapshotRows,
} from "./snapshot-chunks";

const counter = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 40 });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

describe("snapshot chunks", () => {
  it("come back as they were sent", () => {
    const summary = fc.record({
      rows: counter,
      bytes: counter,
      index: counter,
      term: counter,
      revision: counter,
      effectHash: uint32,
    });
    const chunk = fc.record({
      transfer: counter,
      sequence: uint32,
      rows: bytes,
      chain: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      summary: fc.option(summary, { nil: undefined }),
    });
    fc.assert(
      fc.property(chunk, (sent) => expect(decodeSnapshotChunk(encodeSnapshotChunk(sent))).toEqual(sent)),
    );
  });

  it("carry rows of several columns, empty keys and values too", () => {
    const columns = [
      { column: "meta", keys: [utf8("a"), utf8("")], values: [utf8(""), utf8("1")] },
      { column: "latest", keys: [], values: [] },
    ];
    expect(decodeSnapshotRows(encodeSnapshotRows(columns))).toEqual(columns);
  });

  it("say when a transfer is not held any more", () => {
    expect(decodeSnapshotChunk(encodeSnapshotGone(7, 3))).toBe("gone");
  });

  it("are asked for by cluster, transfer and place", () => {
    const request = { clusterId: 2n ** 64n - 1n, transfer: 2 ** 53 - 1, sequence: 9 };
    expect(decodeSnapshotChunkRequest(encodeSnapshotChunkRequest(request))).toEqual(request);
  });

  it("are refused when a newer version has made them", () => {
    const summary = { rows: 1, bytes: 1, index: 1, term: 1, revision: 1, effectHash: 1, format: 2 };
    const chunk = quorate.raft.v1.SnapshotChunk.encode({ chain: new Uint8Array(32), summary }).finish();
    expect(() => decodeSnapshotChunk(chunk)).toThrow("a newer version sends format 2");
  });

  it("are refused if a key has no value", () => {
    const odd = quorate.raft.v1.SnapshotRows.encode({
      columns: [{ column: "a", keys: [utf8("k")] }],
    }).finish();
    expect(() => decodeSnapshotRows(odd)).toThrow(DecodeError);
    expect(() => decodeSnapshotChunk(Uint8Array.of(0xff))).toThrow(DecodeError);
  });
});
