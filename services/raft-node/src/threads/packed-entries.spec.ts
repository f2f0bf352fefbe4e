import * as fc from "fast-check";
import type { Entry, LogIndex, Term } from "@quorate/raft";
import { packEntries, unpackEntries } from "./packed-entries";

const entries = fc
  .tuple(fc.integer({ min: 1, max: 1e6 }), fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 }))
  .map(([first, data]) =>
    data.map((bytes, at): Entry => ({
      index: (first + at) as LogIndex,
      term: (1 + at) as Term,
      type: at % 2 === 0 ? "command" : "empty",
      chain: at * 7,
      data: bytes,
    })),
  );

describe("packed entries", () => {
  it("come out as they went in, after a structured clone", () => {
    fc.assert(
      fc.property(entries, (original) => {
        const packed = packEntries(original);
        const clone = structuredClone(packed, { transfer: [packed.data.buffer] });
        expect(unpackEntries(clone)).toEqual(original);
      }),
    );
  });

  it("hold nothing of the buffers that the entries were cut from", () => {
    const receiveBuffer = new Uint8Array(1000);
    const entry: Entry = {
      index: 1 as LogIndex,
      term: 1 as Term,
      type: "command",
      chain: 0,
      data: receiveBuffer.subarray(10, 20),
    };
    expect(packEntries([entry]).data.buffer.byteLength).toBe(10);
  });
});
