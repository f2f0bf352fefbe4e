import { EMPTY_BYTES, randomChance, randomInteger, seededPrng, textOf, utf8 } from "@quorate/base";
import type { KeyValueIterator, KeyValueScanOptions, KeyValueStore } from "./key-value-store";

export type ContractColumn = "one" | "two";

/** A place (a directory, a disk) where a store with the columns "one" and "two" can be opened again and again. */
export interface KeyValueStorePlace {
  open(): Promise<KeyValueStore<ContractColumn>>;
}

/**
 * The specs that every {@link KeyValueStore} must pass. To be called at the top level of a spec file.
 *
 * @param newPlace Makes an empty place; called once per spec.
 */
export function keyValueStoreContract(name: string, newPlace: () => Promise<KeyValueStorePlace>): void {
  describe(`${name} as a KeyValueStore`, () => {
    let place: KeyValueStorePlace;
    let store: KeyValueStore<ContractColumn>;

    beforeEach(async () => {
      place = await newPlace();
      store = await place.open();
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    const put = (column: ContractColumn, rows: Readonly<Record<string, string>>): void => {
      const batch = store.batch();
      for (const [key, value] of Object.entries(rows)) batch.put(column, utf8(key), utf8(value));
      batch.write({ sync: false });
    };
    const get = (key: string, column: ContractColumn = "one"): string | undefined => {
      const value = store.get(column, utf8(key));
      return value === undefined ? undefined : textOf(value);
    };
    const keys = (from: string, to?: string, options?: KeyValueScanOptions): string => {
      using rows = store.scan("one", utf8(from), to === undefined ? undefined : utf8(to), options);
      return restOf(rows);
    };

    describe("reads", () => {
      it("finds what was put, and only in its column", () => {
        put("one", { a: "1" });

        expect(get("a")).toBe("1");
        expect(get("a", "two")).toBeUndefined();
      });

      it("answers many keys in the order asked, absent ones with undefined", () => {
        put("one", { a: "1", b: "2" });

        const answers = store.getMany("one", [utf8("b"), utf8("x"), utf8("a"), utf8("b")]);

        expect(answers.map((value) => value && textOf(value))).toEqual(["2", undefined, "1", "2"]);
        expect(store.getMany("one", [])).toEqual([]);
      });

      it("tells an empty value from an absent one", () => {
        put("one", { a: "" });

        expect(store.get("one", utf8("a"))?.length).toBe(0);
        expect(store.getMany("one", [utf8("a"), utf8("b")]).map((value) => value?.length)).toEqual([
          0,
          undefined,
        ]);
      });

      it("keeps keys and values byte by byte", () => {
        const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
        const batch = store.batch();
        batch.put("one", everyByte, everyByte);
        batch.put("one", EMPTY_BYTES, Uint8Array.of(0));
        batch.write({ sync: false });

        expect([...store.get("one", everyByte)!]).toEqual([...everyByte]);
        expect([...store.get("one", EMPTY_BYTES)!]).toEqual([0]);
      });

      it("reads views into larger buffers as what they show", () => {
        const shared = utf8("xxkeyvaluexx");
        const batch = store.batch();
        batch.put("one", shared.subarray(2, 5), shared.subarray(5, 10));
        batch.write({ sync: false });
        shared.fill(0);

        expect(get("key")).toBe("value");
      });
    });

    describe("batches", () => {
      it("apply their operations in order: the last one on a key wins", () => {
        const batch = store.batch();
        batch.put("one", utf8("a"), utf8("1"));
        batch.del("one", utf8("a"));
        batch.put("one", utf8("b"), utf8("1"));
        batch.put("one", utf8("b"), utf8("2"));
        batch.del("one", utf8("c"));
        batch.put("one", utf8("c"), utf8("3"));
        batch.write({ sync: false });

        expect([get("a"), get("b"), get("c")]).toEqual([undefined, "2", "3"]);
      });

      it("show nothing before they are written, and then all of it, in every column", () => {
        put("one", { gone: "1" });
        const batch = store.batch();
        batch.put("one", utf8("a"), utf8("1"));
        batch.put("two", utf8("a"), utf8("2"));
        batch.del("one", utf8("gone"));
        expect([get("a"), get("gone")]).toEqual([undefined, "1"]);

        batch.write({ sync: true });

        expect([get("a"), get("a", "two"), get("gone")]).toEqual(["1", "2", undefined]);
      });

      it("are empty once written, and may be filled again", () => {
        const batch = store.batch();
        batch.put("one", utf8("a"), utf8("1"));
        expect(batch.size).toBe(1);
        batch.write({ sync: false });
        expect(batch.size).toBe(0);
        put("one", { a: "later" });

        batch.put("one", utf8("b"), utf8("2"));
        batch.write({ sync: false });

        expect([get("a"), get("b")]).toEqual(["later", "2"]);
      });

      it("forget what was in them when cleared", () => {
        const batch = store.batch();
        batch.put("one", utf8("a"), utf8("1"));
        batch.clear();
        expect(batch.size).toBe(0);
        batch.write({ sync: false });

        expect(get("a")).toBeUndefined();
      });

      it("do not mix when two are filled at the same time", () => {
        const [first, second] = [store.batch(), store.batch()];
        first.put("one", utf8("a"), utf8("first"));
        second.put("one", utf8("a"), utf8("second"));
        second.write({ sync: false });
        expect(get("a")).toBe("second");

        first.write({ sync: false });

        expect(get("a")).toBe("first");
      });
    });

    describe("scans", () => {
      beforeEach(() => put("one", { a: "1", b: "2", ba: "3", c: "4", d: "5" }));

      it("go in byte order from the first key, included, to the last, excluded", () => {
        expect(keys("")).toBe("a b ba c d");
        expect(keys("b", "d")).toBe("b ba c");
        expect(keys("aa", "bb")).toBe("b ba");
        expect(keys("e")).toBe("");
      });

      it("are empty if the range is empty or turned around", () => {
        expect(keys("b", "b")).toBe("");
        expect(keys("c", "b")).toBe("");
        expect(keys("c", "b", { reverse: true })).toBe("");
      });

      it("go backwards with the same bounds", () => {
        expect(keys("", undefined, { reverse: true })).toBe("d c ba b a");
        expect(keys("b", "d", { reverse: true })).toBe("c ba b");
      });

      it("order by unsigned bytes, a prefix before what it begins", () => {
        const ordered = [[0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0], [255, 255]];
        const batch = store.batch();
        for (const key of [...ordered].reverse()) batch.put("two", Uint8Array.from(key), Uint8Array.of(1));
        batch.write({ sync: false });

        using up = store.scan("two", EMPTY_BYTES, undefined);
        using down = store.scan("two", EMPTY_BYTES, undefined, { reverse: true });

        expect(rowsOf(up).map(({ key }) => [...key])).toEqual(ordered);
        expect(rowsOf(down).map(({ key }) => [...key])).toEqual([...ordered].reverse());
      });

      it("give values, or empty ones if only keys are wanted", () => {
        using rows = store.scan("one", utf8("a"), undefined);
        using keysOnly = store.scan("one", utf8("a"), undefined, { keysOnly: true });

        expect(rowsOf(rows).map(({ value }) => textOf(value))).toEqual(["1", "2", "3", "4", "5"]);
        expect(rowsOf(keysOnly).map(({ value }) => value.length)).toEqual([0, 0, 0, 0, 0]);
      });

      it("show the rows as they were when the scan began", () => {
        using rows = store.scan("one", utf8("b"), undefined);
        using backwards = store.scan("one", utf8("a"), undefined, { reverse: true });
        expect(textOf(rows.next()!.key)).toBe("b");

        const batch = store.batch();
        batch.del("one", utf8("ba"));
        batch.put("one", utf8("bb"), utf8("new"));
        batch.put("one", utf8("c"), utf8("changed"));
        batch.write({ sync: false });
        store.clearRange("one", utf8("d"), utf8("e"));

        expect(rowsOf(rows).map(({ key, value }) => `${textOf(key)}=${textOf(value)}`)).toEqual([
          "ba=3",
          "c=4",
          "d=5",
        ]);
        expect(restOf(backwards)).toBe("d c ba b a");
        expect(keys("")).toBe("a b bb c");
      });

      it("read any number of rows, whatever was expected", () => {
        const numbered = Array.from({ length: 1_500 }, (_, n) => `n${String(n).padStart(4, "0")}`);
        put("one", Object.fromEntries(numbered.map((key) => [key, key])));

        for (const expect_ of [undefined, 1, 7, 100_000]) {
          const options = expect_ === undefined ? {} : { expect: expect_ };
          expect(keys("n", "o", options)).toBe(numbered.join(" "));
          expect(keys("n", "o", { ...options, reverse: true })).toBe([...numbered].reverse().join(" "));
        }
      });

      it("keep a row valid after the next one was read", () => {
        using rows = store.scan("one", utf8("a"), undefined);
        const first = rows.next()!;
        while (rows.next() !== undefined);

        expect([textOf(first.key), textOf(first.value)]).toEqual(["a", "1"]);
      });

      it("stay at the end once there", () => {
        using rows = store.scan("one", utf8("d"), undefined);

        expect([rows.next() !== undefined, rows.next(), rows.next()]).toEqual([true, undefined, undefined]);
      });

      it("may be closed twice, and tell it if read afterwards", () => {
        const rows = store.scan("one", utf8("a"), undefined);
        rows[Symbol.dispose]();
        rows[Symbol.dispose]();

        expect(() => rows.next()).toThrow(expect.objectContaining({ code: "storage-closed" }));
        expect(() => rows.seek(utf8("b"))).toThrow(expect.objectContaining({ code: "storage-closed" }));
      });
    });

    describe("seeks", () => {
      const numbered = Array.from({ length: 400 }, (_, n) => `n${String(2 * n).padStart(4, "0")}`);

      beforeEach(() => put("one", Object.fromEntries(numbered.map((key) => [key, ""]))));

      const nextKey = (rows: KeyValueIterator): string | undefined => {
        const row = rows.next();
        return row && textOf(row.key);
      };

      it.each([1, 3, 500])("jump ahead to the key or the one after it (expecting %d rows)", (expected) => {
        using rows = store.scan("one", utf8("n0002"), utf8("n0700"), { expect: expected });

        rows.seek(utf8("n0004"));
        expect(nextKey(rows)).toBe("n0004");
        rows.seek(utf8("n0007"));
        expect(nextKey(rows)).toBe("n0008");
        expect(nextKey(rows)).toBe("n0010");
        rows.seek(utf8("n0601"));
        expect(nextKey(rows)).toBe("n0602");
        rows.seek(utf8("n0700"));
        expect(nextKey(rows)).toBeUndefined();
      });

      it.each([1, 3, 500])(
        "jump ahead to the key or the one before it in reverse (expecting %d rows)",
        (expected) => {
          using rows = store.scan("one", utf8("n0002"), utf8("n0700"), { expect: expected, reverse: true });

          rows.seek(utf8("n0697"));
          expect(nextKey(rows)).toBe("n0696");
          rows.seek(utf8("n0600"));
          expect(nextKey(rows)).toBe("n0600");
          expect(nextKey(rows)).toBe("n0598");
          rows.seek(utf8("n0003"));
          expect(nextKey(rows)).toBe("n0002");
          rows.seek(utf8("n0000"));
          expect(nextKey(rows)).toBeUndefined();
        },
      );

      it.each([1, 500])("never go back (expecting %d rows)", (expected) => {
        using rows = store.scan("one", utf8("n0100"), utf8("n0200"), { expect: expected });
        rows.seek(EMPTY_BYTES);
        rows.seek(utf8("n0050"));
        expect(nextKey(rows)).toBe("n0100");
        rows.seek(utf8("n0100"));
        expect(nextKey(rows)).toBe("n0102");

        using backwards = store.scan("one", utf8("n0100"), utf8("n0200"), {
          expect: expected,
          reverse: true,
        });
        backwards.seek(utf8("n0300"));
        expect(nextKey(backwards)).toBe("n0198");
        backwards.seek(utf8("n0198"));
        expect(nextKey(backwards)).toBe("n0196");
      });

      it("see the rows of the beginning of the scan", () => {
        using rows = store.scan("one", utf8("n0100"), undefined, { expect: 1 });
        store.clearRange("one", utf8("n0300"), utf8("n0400"));

        rows.seek(utf8("n0350"));

        expect(nextKey(rows)).toBe("n0350");
      });
    });

    it.each([1, 2, 3])("agrees with a plain sorted list on random changes and scans (seed %d)", (seed) => {
      const prng = seededPrng(seed);
      const model = new Map<string, string>();
      const randomKey = (): string => "k".repeat(randomInteger(prng, 0, 2)) + randomInteger(prng, 0, 300);
      for (let step = 0; step < 300; step += 1) {
        const [a, b] = [randomKey(), randomKey()];
        if (randomChance(prng, 0.05)) {
          store.clearRange("one", utf8(a), utf8(b));
          for (const key of [...model.keys()]) if (key >= a && key < b) model.delete(key);
        } else {
          const batch = store.batch();
          for (let change = randomInteger(prng, 1, 12); change > 0; change -= 1) {
            const key = randomKey();
            if (randomChance(prng, 0.3)) {
              batch.del("one", utf8(key));
              model.delete(key);
            } else {
              batch.put("one", utf8(key), utf8(`${step}`));
              model.set(key, `${step}`);
            }
          }
          batch.write({ sync: false });
        }
        const reverse = randomChance(prng, 0.5);
        const expected = [...model.keys()].filter((key) => key >= a && key < b).sort(); // ASCII: same order as bytes
        if (reverse) expected.reverse();

        expect(keys(a, b, { reverse, expect: randomInteger(prng, 1, 40) })).toBe(expected.join(" "));
        expect(get(a)).toBe(model.get(a));
      }
    });

    it("clears a range of one column, its end excluded", () => {
      put("one", { a: "1", b: "2", c: "3" });
      put("two", { b: "2" });

      store.clearRange("one", utf8("a"), utf8("c"));
      store.clearRange("one", utf8("z"), utf8("c"));

      expect(keys("")).toBe("c");
      expect(get("b", "two")).toBe("2");
      put("one", { b: "again" });
      expect(keys("")).toBe("b c");
    });

    it("keeps its rows when closed and opened again", async () => {
      put("one", { a: "1", b: "2" });
      put("two", { a: "3" });
      store.clearRange("one", utf8("b"), utf8("c"));
      await store[Symbol.asyncDispose]();

      store = await place.open();

      expect([get("a"), get("b"), get("a", "two")]).toEqual(["1", undefined, "3"]);
    });

    it("is open once at a time", async () => {
      await expect(place.open()).rejects.toMatchObject({ code: "storage-locked" });
    });

    it("refuses every call once closed, and may be closed twice", async () => {
      put("one", { a: "1" });
      const rows = store.scan("one", EMPTY_BYTES, undefined, { expect: 1 });
      const batch = store.batch();
      batch.put("one", utf8("b"), utf8("2"));
      await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()]);
      await store[Symbol.asyncDispose]();

      const closed = expect.objectContaining({ code: "storage-closed" });
      expect(() => store.get("one", utf8("a"))).toThrow(closed);
      expect(() => store.getMany("one", [utf8("a")])).toThrow(closed);
      expect(() => store.scan("one", EMPTY_BYTES, undefined)).toThrow(closed);
      expect(() => store.clearRange("one", utf8("a"), utf8("b"))).toThrow(closed);
      expect(() => batch.write({ sync: true })).toThrow(closed);
      expect(() => rows.next()).toThrow(closed);
      rows[Symbol.dispose]();
    });
  });
}

function rowsOf(rows: KeyValueIterator): { readonly key: Uint8Array; readonly value: Uint8Array }[] {
  const all = [];
  for (let row = rows.next(); row !== undefined; row = rows.next()) all.push(row);
  return all;
}

function restOf(rows: KeyValueIterator): string {
  return rowsOf(rows)
    .map(({ key }) => textOf(key))
    .join(" ");
}
