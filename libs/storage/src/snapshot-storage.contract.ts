import { textOf, utf8 } from "@quorate/base";
import type { LogIndex } from "@quorate/raft";
import type { KeyValueStore } from "./key-value-store";
import type { SnapshotStorage } from "./snapshot-storage";

type Column = "a" | "b";

/** A place for the state of one member; it may be opened again once it was disposed of. */
export interface SnapshotStoragePlace {
  open(compacted: LogIndex): Promise<SnapshotStorage<Column>>;
}

/**
 * The specs that every {@link SnapshotStorage} must pass. To be called at the top level of a spec file. Closing and opening
 * again stands for a crash: what a step has done is durable when it calls back.
 *
 * @param newPlace Makes an empty place with the columns "a" and "b"; called once per spec.
 */
export function snapshotStorageContract(name: string, newPlace: () => Promise<SnapshotStoragePlace>): void {
  describe(`${name} as a SnapshotStorage`, () => {
    const SNAPSHOT = 7 as LogIndex;
    const NONE = 0 as LogIndex;
    let place: SnapshotStoragePlace;
    let storage: SnapshotStorage<Column>;

    beforeEach(async () => {
      place = await newPlace();
      storage = await place.open(NONE);
      put(storage.store, "old");
    });

    afterEach(async () => {
      await storage[Symbol.asyncDispose]();
    });

    const staged = async (text: string): Promise<void> => {
      const staging = await new Promise<KeyValueStore<Column>>((opened) => storage.stage(opened));
      put(staging, text);
    };
    const sealed = async (text: string): Promise<void> => {
      await staged(text);
      await new Promise<void>((done) => storage.seal(SNAPSHOT, done));
    };
    const reopened = async (compacted: LogIndex): Promise<string> => {
      await storage[Symbol.asyncDispose]();
      storage = await place.open(compacted);
      return got(storage.store);
    };

    it("puts a snapshot in place of the state, also for later starts", async () => {
      await sealed("new");
      expect(got(storage.store)).toBe("old");

      await new Promise<void>((done) => storage.install(SNAPSHOT, done));

      expect(got(storage.store)).toBe("new");
      expect(storage.store.get("b", utf8("b"))).toBeUndefined();
      expect(await reopened(SNAPSHOT)).toBe("new");
      put(storage.store, "newer");
      expect(await reopened(9 as LogIndex)).toBe("newer");
    });

    it("loses what was staged, and nothing else, if the end comes before it is sealed", async () => {
      await staged("new");

      expect(await reopened(NONE)).toBe("old");
    });

    it("stays with the old state if the end comes before the log begins behind the snapshot", async () => {
      await sealed("new");

      expect(await reopened(NONE)).toBe("old");
      expect(await reopened(SNAPSHOT)).toBe("old"); // it was thrown away by then
    });

    it("comes to the new state if the end comes after that", async () => {
      await sealed("new");

      expect(await reopened(SNAPSHOT)).toBe("new");
      expect(await reopened(SNAPSHOT)).toBe("new");
    });

    it("can be told to throw away what is staged or sealed, and to begin again", async () => {
      await staged("first");
      storage.discard();
      await sealed("second");
      storage.discard();
      await staged("third");
      await sealed("fourth");
      await new Promise<void>((done) => storage.install(SNAPSHOT, done));

      expect(got(storage.store)).toBe("fourth");
    });

    it("installs one snapshot after the other", async () => {
      for (const text of ["first", "second"]) {
        await sealed(text);
        await new Promise<void>((done) => storage.install(SNAPSHOT, done));
        expect(got(storage.store)).toBe(text);
      }
    });
  });
}

const KEY = utf8("key");

function put(store: KeyValueStore<Column>, text: string): void {
  const batch = store.batch();
  batch.put("a", KEY, utf8(text));
  if (text === "old") batch.put("b", utf8("b"), utf8("only in the old one"));
  batch.write({ sync: true });
}

function got(store: KeyValueStore<Column>): string {
  return textOf(store.get("a", KEY) ?? utf8("nothing"));
}
