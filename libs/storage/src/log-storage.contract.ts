import { utf8 } from "@quorate/base";
import type { Configuration, Entry, EntryType, HardState, LogIndex, MemberId, Term } from "@quorate/raft";
import type { LogExpectation, LogFoundation } from "./key-value-log-storage";
import type { LogIdentity, LogStorage, LogWrite } from "./log-storage";

/** A place (a directory, a disk) for the log of one member. */
export interface LogStoragePlace {
  create(foundation: LogFoundation): Promise<LogStorage>;
  open(expected?: LogExpectation, options?: { readonly tailBytesMax: number }): Promise<LogStorage>;
  /** While closed: changes one byte of a row of a column, as failing hardware would, or deletes the row. */
  damage(column: "log" | "meta", key: Uint8Array, how: "flip" | "delete"): Promise<void>;
}

const identity: LogIdentity = {
  clusterId: 0xc0ffee_0000_0001n,
  clusterName: "north",
  memberId: 0xffff_ffff_ffff_fff1n as MemberId,
  memberName: "n1",
  directoryId: "d-1",
};
const configuration: Configuration = {
  incoming: [1n, 0xffff_ffff_ffff_fff1n] as MemberId[],
  outgoing: [],
  learners: [7n as MemberId],
};

/**
 * The specs that every {@link LogStorage} must pass. To be called at the top level of a spec file.
 *
 * @param newPlace Makes an empty place; called once per spec.
 */
export function logStorageContract(name: string, newPlace: () => Promise<LogStoragePlace>): void {
  describe(`${name} as a LogStorage`, () => {
    let place: LogStoragePlace;
    let log: LogStorage;

    beforeEach(async () => {
      place = await newPlace();
      log = await place.create({ identity, configuration });
    });

    afterEach(async () => {
      await log[Symbol.asyncDispose]();
    });

    const reopen = async (options?: { readonly tailBytesMax: number }): Promise<LogStorage> => {
      await log[Symbol.asyncDispose]();
      log = await place.open(undefined, options);
      return log;
    };
    const read = (from: number, to: number, bytesMax = 1_000): Entry[] =>
      log.read(from as LogIndex, to as LogIndex, bytesMax);
    const reopenFails = async (code: string, text: RegExp): Promise<void> => {
      const error: unknown = await place.open().then(
        () => "opened",
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code, message: expect.stringMatching(text) });
    };

    it("starts as an empty log of its member", () => {
      expect(log.start).toEqual({
        identity,
        incarnation: 1,
        hardState: { term: 0, vote: undefined, commit: 0 },
        configuration,
        compacted: { term: 0, index: 0 },
        compactedChain: 0,
        termRuns: [],
        tail: [],
        anchored: false,
      });
      expect(log.last).toEqual({ at: { term: 0, index: 0 }, chain: 0 });
    });

    it("knows that it has an anchor once it was told", async () => {
      log.markAnchored();

      expect((await reopen()).start.anchored).toBe(true);
    });

    it("tells where it ends, whatever was done to its end", async () => {
      const end = (entry: Entry) => ({ at: { term: entry.term, index: entry.index }, chain: entry.chain });
      const entries = [entryOf(1, 1, "a"), entryOf(2, 1, "b"), entryOf(3, 2, "c")];
      log.append([writeOf(entries)]);
      expect(log.last).toEqual(end(entries[2]!));
      expect((await reopen()).last).toEqual(end(entries[2]!));

      log.append([{ truncateFrom: index(3), entries: [], hardState: undefined }]);
      expect(log.last).toEqual(end(entries[1]!));
      log.append([writeOf([entryOf(3, 4, "d")])]);
      expect(log.last).toEqual(end(entryOf(3, 4, "d")));
      log.compact(index(3), configuration, 10);
      expect(log.last).toEqual(end(entryOf(3, 4, "d")));
      expect((await reopen()).last).toEqual(end(entryOf(3, 4, "d")));
    });

    it("counts its starts", async () => {
      const seen = [log.start.incarnation];
      for (let start = 0; start < 3; start += 1) seen.push((await reopen()).start.incarnation);

      expect(seen).toEqual([1, 2, 3, 4]);
    });

    it("gives back entries of every type as they were appended", async () => {
      const entries = [
        entryOf(1, 1, "", "empty"),
        entryOf(2, 1, "put", "command"),
        entryOf(3, 1, "voters", "configuration"),
        {
          ...entryOf(4, 1, ""),
          data: Uint8Array.from({ length: 256 }, (_, byte) => byte),
          chain: 0xffff_ffff,
        },
      ];
      log.append([writeOf(entries)]);
      expect(read(1, 4).map(plain)).toEqual(entries.map(plain));

      await reopen();

      expect(read(1, 4).map(plain)).toEqual(entries.map(plain));
      expect(log.start.tail.map(plain)).toEqual(entries.map(plain));
    });

    it("changes hands in one step with the entries that say so", async () => {
      log.append([writeOf([entryOf(1, 1), entryOf(2, 1)])]);
      const heir = { ...identity, clusterId: 0xdn, clusterName: "south", refoundedFrom: identity.clusterId };
      const hardState = { term: 2 as Term, vote: identity.memberId, commit: index(3) };

      log.refound(heir, { truncateFrom: undefined, entries: [entryOf(3, 2, "alone")], hardState });
      await reopen();

      expect(log.start).toMatchObject({ identity: heir, hardState });
      expect(log.start.tail.map(plain)).toEqual(
        [entryOf(1, 1), entryOf(2, 1), entryOf(3, 2, "alone")].map(plain),
      );
    });

    it("reads a range, cut by bytes but never before its first entry", () => {
      log.append([writeOf([1, 2, 3, 4, 5].map((index) => entryOf(index, 1, "0123456789")))]);

      expect(read(2, 4).map(({ index }) => index)).toEqual([2, 3, 4]);
      expect(read(2, 5, 30).map(({ index }) => index)).toEqual([2, 3, 4]);
      expect(read(2, 5, 29).map(({ index }) => index)).toEqual([2, 3]);
      expect(read(2, 5, 0).map(({ index }) => index)).toEqual([2]);
    });

    it("replaces a suffix by other entries in one step", async () => {
      log.append([writeOf([entryOf(1, 1), entryOf(2, 1), entryOf(3, 2), entryOf(4, 2)])]);

      log.append([{ truncateFrom: index(2), entries: [entryOf(2, 3, "new")], hardState: undefined }]);
      expect(read(1, 2).map(({ term }) => term)).toEqual([1, 3]);

      await reopen();
      expect(log.start.tail.map(plain)).toEqual([entryOf(1, 1), entryOf(2, 3, "new")].map(plain));
      expect(log.start.termRuns).toEqual([
        { term: 1, index: 1 },
        { term: 3, index: 2 },
      ]);
    });

    it("may be cut back to nothing", async () => {
      log.append([writeOf([entryOf(1, 1), entryOf(2, 2)])]);
      log.append([{ truncateFrom: index(1), entries: [], hardState: undefined }]);

      await reopen();

      expect([log.start.tail, log.start.termRuns]).toEqual([[], []]);
      log.append([writeOf([entryOf(1, 5)])]);
      expect(read(1, 1).map(({ term }) => term)).toEqual([5]);
    });

    it("remembers where each term begins", async () => {
      log.append([writeOf([entryOf(1, 1), entryOf(2, 1)])]);
      log.append([writeOf([entryOf(3, 4)]), writeOf([entryOf(4, 4), entryOf(5, 6)])]);
      await reopen();
      log.append([writeOf([entryOf(6, 6), entryOf(7, 9)])]);
      await reopen();

      expect(log.start.termRuns).toEqual([
        { term: 1, index: 1 },
        { term: 4, index: 3 },
        { term: 6, index: 5 },
        { term: 9, index: 7 },
      ]);
    });

    it.each([undefined, 3n, 0xffff_ffff_ffff_ffffn])("keeps the hard state with vote %s", async (vote) => {
      const hardState: HardState = {
        term: (2 ** 40) as Term,
        vote: vote as MemberId | undefined,
        commit: index(12),
      };
      log.append([{ truncateFrom: undefined, entries: [], hardState }]);

      await reopen();

      expect(log.start.hardState).toEqual(hardState);
    });

    it("applies a group of writes in their order", async () => {
      const hardStateOf = (term: number): HardState => ({
        term: term as Term,
        vote: undefined,
        commit: index(1),
      });
      log.append([
        {
          truncateFrom: undefined,
          entries: [entryOf(1, 1), entryOf(2, 1), entryOf(3, 1)],
          hardState: hardStateOf(1),
        },
        { truncateFrom: index(2), entries: [entryOf(2, 2, "second")], hardState: hardStateOf(2) },
        {
          truncateFrom: index(2),
          entries: [entryOf(2, 3, "third"), entryOf(3, 3)],
          hardState: hardStateOf(3),
        },
      ]);

      await reopen();

      expect(log.start.tail.map(plain)).toEqual(
        [entryOf(1, 1), entryOf(2, 3, "third"), entryOf(3, 3)].map(plain),
      );
      expect(log.start.hardState.term).toBe(3);
      expect(log.start.termRuns.map((run) => [run.term, run.index])).toEqual([
        [1, 1],
        [3, 2],
      ]);
    });

    it("starts with the newest entries that fit the limit of the tail, the last one at any rate", async () => {
      log.append([writeOf([1, 2, 3, 4, 5].map((at) => entryOf(at, 1, "0123456789")))]);
      const tailAt = async (tailBytesMax: number): Promise<number[]> =>
        (await reopen({ tailBytesMax })).start.tail.map((entry) => entry.index);

      expect(await tailAt(100)).toEqual([1, 2, 3, 4, 5]);
      expect(await tailAt(30)).toEqual([3, 4, 5]);
      expect(await tailAt(29)).toEqual([4, 5]);
      expect(await tailAt(0)).toEqual([5]);
      log.append([writeOf([entryOf(6, 1)])]);
      expect(read(1, 6).length).toBe(6);
    });

    it.each([
      ["a gap", [entryOf(2, 1)]],
      ["a falling term", [entryOf(1, 2), entryOf(2, 1)]],
    ])("refuses %s as a mistake of its caller", (_what, entries) => {
      expect(() => log.append([writeOf(entries)])).toThrow(expect.objectContaining({ code: "invariant" }));
    });

    describe("compaction", () => {
      const later = { ...configuration, learners: [] };
      const beginning = (): unknown => {
        const { compacted, compactedChain, termRuns, tail } = log.start;
        return [compacted, compactedChain, termRuns, tail.map((entry) => entry.index)];
      };

      beforeEach(() => {
        log.append([writeOf([1, 2, 3, 4, 5, 6].map((at) => entryOf(at, at < 3 ? 1 : at < 6 ? 2 : 7)))]);
      });

      it("removes entries in steps, each of which says where the log begins", async () => {
        expect(log.compact(index(4), later, 3)).toEqual({ at: { term: 2, index: 3 }, chain: 1003 });
        expect(log.compact(index(4), later, 3)).toEqual({ at: { term: 2, index: 4 }, chain: 1004 });
        expect(log.compact(index(4), later, 3)).toEqual({ at: { term: 2, index: 4 }, chain: 1004 });
        expect(log.compact(index(2), later, 3)).toEqual({ at: { term: 2, index: 4 }, chain: 1004 });
        expect(read(4, 6)).toEqual([]);
        expect(read(5, 6).length).toBe(2);

        await reopen();

        const runs = [
          { term: 2, index: 5 },
          { term: 7, index: 6 },
        ];
        expect(beginning()).toEqual([{ term: 2, index: 4 }, 1004, runs, [5, 6]]);
        expect(log.start.configuration).toEqual(later);
      });

      it("may remove all entries; the log goes on behind them", async () => {
        log.compact(index(6), later, 100);
        await reopen();
        expect(beginning()).toEqual([{ term: 7, index: 6 }, 1006, [], []]);

        log.append([writeOf([entryOf(7, 7), entryOf(8, 9)])]);
        await reopen();

        expect(log.start.termRuns).toEqual([
          { term: 7, index: 7 },
          { term: 9, index: 8 },
        ]);
        expect(() => log.append([writeOf([entryOf(9, 6)])])).toThrow("terms never fall along the log");
      });

      it("refuses what is not in the log", () => {
        expect(() => log.compact(index(7), later, 100)).toThrow("only what is in the log is removed");
      });

      it("begins anew behind a snapshot, and keeps the hard state", async () => {
        const hardState: HardState = { term: 9 as Term, vote: 1n as MemberId, commit: index(3) };
        const snapshot = { term: 8 as Term, index: index(20), chain: 77, configuration: later };
        log.append([
          { truncateFrom: undefined, entries: [], hardState },
          {
            restart: { snapshot, keepsEntries: false },
            truncateFrom: undefined,
            entries: [entryOf(21, 9)],
            hardState: undefined,
          },
        ]);
        await reopen();

        expect(beginning()).toEqual([{ term: 8, index: 20 }, 77, [{ term: 9, index: 21 }], [21]]);
        expect([log.start.hardState, log.start.configuration]).toEqual([hardState, later]);
        expect(read(5, 5)).toEqual([]);
      });

      it("keeps the entries behind a snapshot that they agree with", async () => {
        const snapshot = { term: 2 as Term, index: index(3), chain: 1003, configuration: later };
        log.append([
          {
            restart: { snapshot, keepsEntries: true },
            truncateFrom: undefined,
            entries: [],
            hardState: undefined,
          },
        ]);
        await reopen();

        const runs = [
          { term: 2, index: 4 },
          { term: 7, index: 6 },
        ];
        expect(beginning()).toEqual([{ term: 2, index: 3 }, 1003, runs, [4, 5, 6]]);
      });
    });

    describe("identity", () => {
      const { clusterId, memberId } = identity;

      it("opens for the member that it belongs to", async () => {
        await log[Symbol.asyncDispose]();

        log = await place.open({ clusterId, memberId });

        expect(log.start.identity).toEqual(identity);
      });

      it.each([
        ["member", { clusterId, memberId: 2n as MemberId }],
        ["cluster", { clusterId: 2n, memberId }],
      ])("does not open for another %s, and names both", async (_what, expected) => {
        await log[Symbol.asyncDispose]();

        const opening = place.open(expected);

        await expect(opening).rejects.toMatchObject({ code: "storage-identity" });
        await expect(opening).rejects.toThrow(
          /holds member fffffffffffffff1 \("n1"\) of cluster c0ffee00000001 \("north"\), but member (2|fffffffffffffff1) of cluster (2|c0ffee00000001) /,
        );
        expect((await reopen()).start.incarnation).toBe(2); // a refused start does not count
      });

      it("does not open where no member was created", async () => {
        const empty = await newPlace();

        await expect(empty.open()).rejects.toMatchObject({ code: "storage-identity" });
      });

      it("is not created over a member", async () => {
        await log[Symbol.asyncDispose]();

        await expect(place.create({ identity, configuration })).rejects.toMatchObject({
          code: "storage-identity",
          message: expect.stringMatching(/holds member fffffffffffffff1/),
        });
      });
    });

    describe("damage", () => {
      beforeEach(async () => {
        log.append([writeOf([1, 2, 3, 4].map((at) => entryOf(at, at < 3 ? 1 : 2, "0123456789")))]);
        await log[Symbol.asyncDispose]();
      });

      it("of an entry in the tail keeps the log from opening", async () => {
        await place.damage("log", keyOf(3), "flip");

        await reopenFails("storage-corruption", /log entry 3 is damaged/);
      });

      it("of an older entry is found when it is read, and others stay readable", async () => {
        await place.damage("log", keyOf(2), "flip");
        await reopen({ tailBytesMax: 10 });

        expect(() => read(1, 4)).toThrow(expect.objectContaining({ code: "storage-corruption" }));
        expect(() => read(2, 2)).toThrow(/log entry 2 is damaged/);
        expect(read(3, 4).length).toBe(2);
      });

      it.each([1, 2, 3])("by loss of entry %d is noticed", async (lost) => {
        await place.damage("log", keyOf(lost), "delete");

        await reopenFails("storage-corruption", new RegExp(`log entry ${lost} is missing`));
      });

      it("by loss of all entries since the last change of term is noticed", async () => {
        await place.damage("log", keyOf(4), "delete");
        await place.damage("log", keyOf(3), "delete");

        await reopenFails("storage-corruption", /log entry 3 is missing/);
      });

      it.each(["identity", "hard-state", "incarnation", "compacted", "configuration"])(
        "of the %s row keeps the log from opening",
        async (key) => {
          await place.damage("meta", utf8(key), "flip");

          await reopenFails("storage-corruption", /row is damaged/);
        },
      );

      it("by loss of the identity row is not taken for an empty place", async () => {
        await place.damage("meta", utf8("identity"), "delete");

        await reopenFails("storage-corruption", /identity row is missing/);
      });
    });

    it("refuses calls once closed, and may be closed twice", async () => {
      log.append([writeOf([entryOf(1, 1)])]);
      await log[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();

      const closed = expect.objectContaining({ code: "storage-closed" });
      expect(() => log.append([writeOf([entryOf(2, 1)])])).toThrow(closed);
      expect(() => read(1, 1)).toThrow(closed);
    });
  });
}

function index(value: number): LogIndex {
  return value as LogIndex;
}

function entryOf(at: number, term: number, data = `entry ${at}`, type: EntryType = "command"): Entry {
  return { index: index(at), term: term as Term, type, data: utf8(data), chain: 1_000 + at };
}

function writeOf(entries: readonly Entry[]): LogWrite {
  return { truncateFrom: undefined, entries, hardState: undefined };
}

/** Stores may give back any kind of Uint8Array; only the bytes matter. */
function plain(entry: Entry): unknown {
  return { ...entry, data: [...entry.data] };
}

function keyOf(at: number): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(at));
  return key;
}
