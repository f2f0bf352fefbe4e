import type { Configuration, MemberId } from "@quorate/raft";
import { Retirement } from "./retirement";

const id = (number: number): MemberId => BigInt(number) as MemberId;
const without: Configuration = { incoming: [2, 3, 4].map(id), outgoing: [], learners: [id(5)] };

function build() {
  const asked: MemberId[] = [];
  const reasons: string[] = [];
  const retirement = new Retirement(
    { memberId: id(1) },
    { ask: (member) => asked.push(member), retire: (why) => reasons.push(why) },
  );
  return { retirement, asked, reasons };
}

describe("Retirement", () => {
  it("waits until a majority of the others has applied the removal, and asks them until then", () => {
    const { retirement, asked, reasons } = build();
    retirement.configurationApplied(without, true);
    expect(asked.splice(0)).toEqual([2n, 3n, 4n]);
    retirement.told(id(2));
    retirement.told(id(2));
    retirement.told(id(5)); // decides nothing
    expect(reasons).toEqual([]);
    retirement.tick();
    expect(asked.splice(0)).toEqual([3n, 4n]);
    retirement.told(id(4));
    expect(reasons).toHaveLength(1);
    retirement.told(id(3));
    retirement.tick();
    expect(reasons).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  it("asks nobody while it is a member", () => {
    const { retirement, asked } = build();
    retirement.configurationApplied({ ...without, incoming: [1, 2, 3].map(id) }, false);
    retirement.tick();
    expect(asked).toEqual([]);
  });

  it("believes a majority although it missed its removal", () => {
    const { retirement, reasons } = build();
    retirement.configurationApplied({ ...without, incoming: [1, 2, 3].map(id) }, false);
    retirement.told(id(2));
    expect(reasons).toEqual([]);
    retirement.told(id(3));
    expect(reasons).toHaveLength(1);
  });
});
