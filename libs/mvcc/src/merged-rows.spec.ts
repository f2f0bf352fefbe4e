import * as fc from "fast-check";
import { compareBytes } from "@quorate/base";
import { MemoryKeyValueStore } from "@quorate/storage";
import { MergedRows } from "./merged-rows";
import { SortedRows, type ChangedRow } from "./sorted-rows";

const keys = fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => bytes.map((byte) => byte % 6));
const rows = fc.uniqueArray(keys, { selector: (key) => key.join(), maxLength: 12 });

interface Case {
  readonly base: Uint8Array[];
  readonly changes: ChangedRow[];
  readonly from: Uint8Array;
  readonly to: Uint8Array | undefined;
}

const cases: fc.Arbitrary<Case> = fc.record({
  base: rows,
  changes: rows.chain((list) =>
    fc
      .array(fc.boolean(), { minLength: list.length, maxLength: list.length })
      .map((kept) => list.map((key, at) => ({ key, row: kept[at] ? Uint8Array.of(2) : undefined }))),
  ),
  from: keys,
  to: fc.option(keys, { nil: undefined }),
});

function open({ base, changes, from, to }: Case): MergedRows {
  const store = new MemoryKeyValueStore<"latest">(["latest"]);
  const batch = store.batch();
  for (const key of base) batch.put("latest", key, Uint8Array.of(1));
  batch.write({ sync: false });
  const sorted = new SortedRows<ChangedRow>();
  for (const change of changes) sorted.add(change);
  return new MergedRows(store.scan("latest", from, to), sorted, from, to);
}

function expected({ base, changes, from, to }: Case): string[] {
  const merged = new Map<string, { key: Uint8Array; row: number | undefined }>();
  for (const key of base) merged.set(key.join(), { key, row: 1 });
  for (const { key, row } of changes) merged.set(key.join(), { key, row: row?.[0] });
  return [...merged.values()]
    .filter(
      ({ key, row }) =>
        row !== undefined && compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0),
    )
    .sort((a, b) => compareBytes(a.key, b.key))
    .map(({ key, row }) => `${key.join()}=${row}`);
}

function rest(merged: MergedRows): string[] {
  const found: string[] = [];
  for (let row = merged.next(); row !== undefined; row = merged.next())
    found.push(`${row.key.join()}=${row.value[0]}`);
  return found;
}

const ordered = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b === undefined || compareBytes(a, b) < 0;

describe("MergedRows", () => {
  it("shows the rows below with the changes on top, in order and within bounds", () => {
    fc.assert(
      fc.property(
        cases.filter(({ from, to }) => ordered(from, to)),
        (example) => {
          const merged = open(example);
          expect(rest(merged)).toEqual(expected(example));
          expect(merged.next()).toBeUndefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  it("jumps ahead to any key after some rows, and never back", () => {
    const jumps = cases.filter(({ from, to }) => ordered(from, to));
    fc.assert(
      fc.property(jumps, fc.nat({ max: 4 }), keys, (example, steps, target) => {
        const merged = open(example);
        const all = expected(example);
        let taken = 0;
        while (taken < steps && merged.next() !== undefined) taken += 1;
        const last = all[taken - 1];
        // Going back is not in the contract.
        fc.pre(
          last === undefined ||
            compareBytes(Uint8Array.from(last.split("=")[0]!.split(",").map(Number)), target) < 0,
        );
        fc.pre(compareBytes(target, example.from) >= 0);
        merged.seek(target);
        const remaining = all.slice(taken).filter((line) => {
          return compareBytes(Uint8Array.from(line.split("=")[0]!.split(",").map(Number)), target) >= 0;
        });
        expect(rest(merged)).toEqual(remaining);
      }),
      { numRuns: 500 },
    );
  });
});
