import { VirtualTime } from "@quorate/actor";
import type { Entry, LogIndex, MemberId, Term } from "@quorate/raft";
import {
  MemoryAnchor,
  MemoryAnchorDisk,
  MemoryLogDisk,
  MemoryLogStorage,
  type AnchorRecord,
  type LogWrite,
} from "@quorate/storage";
import { AnchorKeeper } from "./anchor-keeper";

const SELF = 0xa1n as MemberId;
const OTHER = 0xa2n as MemberId;

function entries(from: number, to: number, term = 1): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    index: (from + at) as LogIndex,
    term: term as Term,
    type: "command",
    data: Uint8Array.of(1),
    chain: (from + at) * 10 + term,
  }));
}

const write = (written: readonly Entry[], more: Partial<LogWrite> = {}): LogWrite => ({
  entries: written,
  truncateFrom: undefined,
  hardState: undefined,
  ...more,
});

/** A keeper as the log writer drives it; `found` is what a start after a crash at this moment would read. */
function build(options: { readonly strict?: boolean; readonly promisedIndex?: number } = {}) {
  const storage = MemoryLogStorage.create(new MemoryLogDisk(), {
    identity: { clusterId: 1n, clusterName: "c", memberId: SELF, memberName: "n1", directoryId: "d" },
    configuration: { incoming: [SELF, OTHER], outgoing: [], learners: [] },
  });
  const disk = new MemoryAnchorDisk();
  const time = new VirtualTime();
  const keeper = new AnchorKeeper(
    { lagMsMax: 100, lagEntriesMax: 5, strict: options.strict ?? false },
    { anchor: MemoryAnchor.open(disk), storage, clock: time },
  );
  const { promisedIndex } = options;
  const at = { term: 1 as Term, index: promisedIndex as LogIndex };
  const promised = promisedIndex === undefined ? undefined : { at, chain: 77 };
  keeper.begin({ incarnation: 7, term: 1 as Term, vote: undefined, promised });
  const sync = (...writes: LogWrite[]): void => {
    storage.append(writes);
    keeper.synced(writes);
  };
  return { keeper, storage, time, sync, found: (): AnchorRecord => MemoryAnchor.open(disk).found! };
}

describe("AnchorKeeper", () => {
  it("tells of a start before anything else, and marks the log as one that has an anchor", () => {
    const { storage, found } = build();

    expect(found()).toEqual({
      clusterId: 1n,
      memberId: SELF,
      incarnation: 7,
      term: 1,
      vote: undefined,
      last: { term: 0, index: 0 },
      chain: 0,
    });
    expect(storage.start.anchored).toBe(false);
  });

  it("tells a new term or vote before anybody who waited for the sync is told", () => {
    const { sync, found } = build();
    const commit = 0 as LogIndex;

    sync(write([], { hardState: { term: 2 as Term, vote: undefined, commit } }));
    expect(found()).toMatchObject({ term: 2, vote: undefined });
    sync(write(entries(1, 1, 2), { hardState: { term: 2 as Term, vote: OTHER, commit } }));
    expect(found()).toMatchObject({ term: 2, vote: OTHER, last: { term: 2, index: 1 }, chain: 12 });
  });

  it("does not sync for a commit index alone", () => {
    const { sync, found } = build();
    sync(write(entries(1, 2), { hardState: { term: 1 as Term, vote: undefined, commit: 1 as LogIndex } }));
    expect(found().last.index).toBe(0);
  });

  it("follows the log within a time, in the background", () => {
    const { keeper, sync, time, found } = build();
    sync(write(entries(1, 2)));
    keeper.told();
    time.advance(60);
    sync(write(entries(3, 3)));
    keeper.told();
    time.advance(39);
    expect(found().last.index).toBe(0);

    time.advance(1);
    expect(found()).toMatchObject({ last: { term: 1, index: 3 }, chain: 31 });
    time.advance(10_000);
    sync(write(entries(4, 4)));
    keeper.told();
    time.advance(100);
    expect(found().last.index).toBe(4);
  });

  it("follows the log within a number of entries, after those who waited were told", () => {
    const { keeper, sync, found } = build();
    sync(write(entries(1, 4)));
    keeper.told();
    sync(write(entries(5, 5)));
    expect(found().last.index).toBe(0);

    keeper.told();
    expect(found().last.index).toBe(5);
  });

  it("never lags if it is strict", () => {
    const { sync, found } = build({ strict: true });
    sync(write(entries(1, 1)));
    expect(found().last.index).toBe(1);
  });

  it("follows a log that became shorter, and at once one that begins anew", () => {
    const { keeper, sync, found } = build();
    sync(write(entries(1, 5)));
    keeper.told();
    sync(write(entries(3, 3, 2), { truncateFrom: 3 as LogIndex }));
    keeper.told();
    keeper[Symbol.dispose]();
    expect(found().last).toEqual({ term: 2, index: 3 });

    const anew = build();
    const configuration = { incoming: [SELF], outgoing: [], learners: [] };
    const snapshot = { term: 1 as Term, index: 9 as LogIndex, chain: 5, configuration };
    anew.sync(write([], { restart: { snapshot, keepsEntries: false } }));
    expect(anew.found()).toMatchObject({ last: { term: 1, index: 9 }, chain: 5 });
  });

  it("goes on telling what was lost, until the log is as long again", () => {
    const { keeper, sync, time, found } = build({ promisedIndex: 4 });
    sync(write(entries(1, 3), { hardState: { term: 2 as Term, vote: OTHER, commit: 0 as LogIndex } }));
    expect(found()).toMatchObject({ term: 2, last: { index: 4 }, chain: 77 });

    sync(write(entries(4, 4)));
    keeper.told();
    time.advance(100);
    expect(found()).toMatchObject({ last: { index: 4 }, chain: 41 });
  });

  it("tells at once what turns out to be lost while the member runs", () => {
    const { keeper, sync, found } = build();
    sync(write(entries(1, 2)));
    keeper.promise({ term: 1 as Term, index: 4 as LogIndex });
    expect(found()).toMatchObject({ last: { term: 1, index: 4 }, chain: undefined });

    sync(write(entries(3, 4)));
    keeper[Symbol.dispose]();
    expect(found()).toMatchObject({ last: { index: 4 }, chain: 41 });
  });

  it("leaves nothing behind at an orderly end", () => {
    const { keeper, sync, found } = build();
    sync(write(entries(1, 2)));
    keeper.told();
    keeper[Symbol.dispose]();
    expect(found().last.index).toBe(2);
  });
});
