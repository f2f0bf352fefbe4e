import type { LogIndex } from "@quorate/raft";
import { DiskStall } from "./disk-stall";

const index = (value: number): LogIndex => value as LogIndex;

function ticks(stall: DiskStall, count: number): (LogIndex | undefined)[] {
  return Array.from({ length: count }, () => stall.tick());
}

describe("DiskStall", () => {
  it("says nothing while syncs come in time, however many", () => {
    const stall = new DiskStall({ stallTicks: 3 });
    for (let id = 1; id < 10; id += 1) {
      stall.writing(id, index(id));
      expect(ticks(stall, 2)).toEqual([undefined, undefined]);
      stall.synced(id);
    }
    expect(ticks(stall, 10)).toEqual(Array(10).fill(undefined));
  });

  it("names what the oldest write holds once it takes too long, and again after as long", () => {
    const stall = new DiskStall({ stallTicks: 3 });
    stall.writing(1, index(7));
    expect(ticks(stall, 1)).toEqual([undefined]);
    stall.writing(2, index(9));
    expect(ticks(stall, 5)).toEqual([undefined, 7, undefined, undefined, 7]);
  });

  it("counts anew from the next write when one is synced", () => {
    const stall = new DiskStall({ stallTicks: 3 });
    stall.writing(1, index(7));
    ticks(stall, 2);
    stall.writing(2, index(9));
    stall.synced(1);
    expect(ticks(stall, 3)).toEqual([undefined, undefined, 9]);
    stall.synced(2);
    expect(ticks(stall, 5)).toEqual(Array(5).fill(undefined));
  });
});
