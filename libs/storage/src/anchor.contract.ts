import type { LogIndex, MemberId, Term } from "@quorate/raft";
import type { Anchor, AnchorRecord } from "./anchor";
import { ANCHOR_SLOT_BYTES } from "./anchor-slot";

/** A place (a file, a disk) for the anchor of one member. */
export interface AnchorPlace {
  open(): Anchor;
  /** Changes one bit of the byte at `offset`, while the anchor is closed. */
  flip(offset: number): Promise<void>;
}

const record = (index: number, vote?: bigint, chain?: number): AnchorRecord => ({
  clusterId: 0xc0ffee_0000_0001n,
  memberId: 0xffff_ffff_ffff_fff1n as MemberId,
  incarnation: 3,
  term: 7 as Term,
  vote: vote as MemberId | undefined,
  last: { term: 5 as Term, index: index as LogIndex },
  chain,
});

/** The specs that every {@link Anchor} must pass. To be called at the top level of a spec file. */
export function anchorContract(name: string, newPlace: () => Promise<AnchorPlace>): void {
  describe(`${name} as an Anchor`, () => {
    let place: AnchorPlace;
    beforeEach(async () => (place = await newPlace()));

    const write = (...records: readonly AnchorRecord[]): void => {
      using anchor = place.open();
      for (const each of records) anchor.write(each);
    };
    const found = (): AnchorRecord | undefined => {
      using anchor = place.open();
      return anchor.found;
    };
    const damagedSlots = (): number => {
      using anchor = place.open();
      return anchor.damagedSlots;
    };

    it("has nothing to say before it was written", () => {
      expect(found()).toBeUndefined();
      expect(damagedSlots()).toBe(0);
    });

    it.each([
      ["with everything", record(9, 0xffff_ffff_ffff_fffen, 0xffff_ffff)],
      ["without a vote", record(9, undefined, 0)],
      ["without a chain hash", record(2 ** 53 - 1, 1n)],
    ])("gives back a record %s", (_what, written) => {
      write(written);

      expect(found()).toEqual(written);
    });

    it("gives back the newest of many, over any number of starts", () => {
      write(record(1), record(2), record(3));
      expect(found()).toEqual(record(3));
      write(record(4));
      expect(found()).toEqual(record(4));
      write(record(5), record(6));
      expect(found()).toEqual(record(6));
    });

    it.each([0, 50, 100, 4000, ANCHOR_SLOT_BYTES - 1])(
      "falls back to the record before, if byte %i of the newest slot is damaged, and then writes over the damage",
      async (offset) => {
        write(record(1), record(2), record(3)); // the third stands in the first slot
        await place.flip(offset);

        expect(found()).toEqual(record(2));
        expect(damagedSlots()).toBe(1);

        write(record(4));
        expect(found()).toEqual(record(4));
        expect(damagedSlots()).toBe(0);
      },
    );

    it("is not disturbed by damage to the older slot", async () => {
      write(record(1), record(2), record(3));
      await place.flip(ANCHOR_SLOT_BYTES + 20);

      expect(found()).toEqual(record(3));
      expect(damagedSlots()).toBe(1);
    });

    it("has nothing to say, and says that there was something, when both slots are damaged", async () => {
      write(record(1), record(2));
      await place.flip(30);
      await place.flip(ANCHOR_SLOT_BYTES + 30);

      expect(found()).toBeUndefined();
      expect(damagedSlots()).toBe(2);
    });
  });
}
