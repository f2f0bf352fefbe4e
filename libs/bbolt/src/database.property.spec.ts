import { binaryString, bytesOfBinaryString, compareBytes } from "@quorate/base";
import fc from "fast-check";
import { DatabaseReader } from "./database-reader";
import { DamagedDatabaseError } from "./errors";
import { readAtOf } from "./read-at";
import { readRows, writtenDatabase, type Rows } from "./testing/written-database";

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });

/** Keys and values of a few bytes to several pages, in buckets of none to hundreds. */
const buckets: fc.Arbitrary<Rows> = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc
    .uniqueArray(
      fc.tuple(
        fc.oneof({ weight: 20, arbitrary: bytes(1, 20) }, { weight: 1, arbitrary: bytes(900, 3000) }),
        fc.oneof({ weight: 20, arbitrary: bytes(0, 40) }, { weight: 1, arbitrary: bytes(900, 5000) }),
      ),
      { selector: ([key]) => binaryString(key), maxLength: 120, size: "max" },
    )
    .map((rows) => rows.sort(([one], [other]) => compareBytes(one, other))),
  { maxKeys: 3 },
);

describe("a database", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(buckets, (rows) => {
        expect(readRows(writtenDatabase(rows))).toEqual(sorted(rows));
      }),
      { numRuns: 30 },
    );
  });

  it("of many rows is a tree of several levels, and read as it was written", () => {
    const row = (index: number): readonly [Uint8Array, Uint8Array] => {
      const key = new Uint8Array(200).fill(7);
      new DataView(key.buffer).setUint32(0, index);
      return [key, key.subarray(0, index % 30)];
    };
    const rows: Rows = { many: Array.from({ length: 3000 }, (_, index) => row(index)) };
    expect(readRows(writtenDatabase(rows))).toEqual(rows);
  });

  it("that is damaged is read to an end, or refused in so many words", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 16, 255))), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(buckets, damage, fc.nat(), (rows, bites, cut) => {
        const file = writtenDatabase(rows);
        // The metas have checksums; what lies behind them has none.
        for (const [at, byte] of bites) file[1024 + (at % (file.length - 1024))] = byte;
        const shortened = cut % 4 === 0 ? file.subarray(0, cut % file.length) : file;
        try {
          readRows(shortened);
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedDatabaseError);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is read by its second meta page if the first is damaged", () => {
    const rows: Rows = { bucket: [[Uint8Array.of(1), Uint8Array.of(2)]] };
    const file = writtenDatabase(rows);
    file[20] = 0;
    expect(readRows(file)).toEqual(rows);
  });

  it("without a sound meta page is refused", () => {
    expect(() => new DatabaseReader({ readAt: readAtOf(new Uint8Array(8192)) })).toThrow(
      DamagedDatabaseError,
    );
    expect(() => new DatabaseReader({ readAt: readAtOf(new Uint8Array(0)) })).toThrow(
      /neither of them is sound/,
    );
  });
});

function sorted(rows: Rows): Rows {
  const names = Object.keys(rows).sort((one, other) =>
    compareBytes(bytesOfBinaryString(one), bytesOfBinaryString(other)),
  );
  return Object.fromEntries(names.map((name) => [name, rows[name]!]));
}
