import { create, event, EVERYTHING, HubBench, one, revision, stream, watcher } from "./testing/hub-bench";

describe("WatchHub", () => {
  it("tells a watcher from now on what comes, one item per revision, and nothing else", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a")));
    expect(bench.told()).toEqual(["1/created 1 next=11 revision=10"]);
    bench.feed([event("a", 11), event("b", 11), event("b", 12), event("a", 13), event("a", 13)]);
    expect(bench.told()).toEqual(["1/1: a@11 revision=11 next=12", "1/1: a@13 a@13 revision=13 next=14"]);
  });

  it("begins, for a watcher from now on, behind what its client knows of already", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, { ...create(1, one("a")), seen: revision(12) });
    expect(bench.told()).toEqual(["1/created 1 next=13 revision=12"]);
    bench.feed([event("a", 11), event("a", 12), event("a", 13)]);
    expect(bench.told()).toEqual(["1/1: a@13 revision=13 next=14"]);
  });

  it("holds a start in the past until the feed has come as far as its client has seen", () => {
    const bench = new HubBench(10);
    bench.feed([event("a", 11)]);
    bench.open(1);
    bench.command(1, { ...create(1, one("a"), 11), seen: revision(13) });
    expect(bench.told()).toEqual(["1/created 1 next=11 revision=13"]);
    expect(bench.hub.historyWanted()).toBeUndefined();
    bench.feed([event("a", 12)]);
    expect(bench.told()).toEqual([]);
    bench.feed([event("a", 13)]);
    expect(bench.told()).toEqual(["1/1: a@11 a@12 a@13 revision=13 next=14"]);
    bench.feed([event("a", 14)]);
    expect(bench.told()).toEqual(["1/1: a@14 revision=14 next=15"]);
  });

  it("asks for history for a start that waited while the feed had a gap", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, { ...create(1, one("a"), 9), seen: revision(12) });
    bench.hub.skipTo(revision(11));
    expect(bench.hub.historyWanted()).toBeUndefined();
    bench.hub.skipTo(revision(12));
    expect(bench.hub.historyWanted()).toBe(9);
  });

  it("matches single keys, ranges and ranges without an end", () => {
    const bench = new HubBench(1);
    bench.open(1);
    const range = { key: one("b").key, rangeEnd: one("d").key };
    bench.command(1, create(1, one("b")), create(2, range), create(3, EVERYTHING));
    bench.told();
    bench.feed([event("a", 2), event("b", 3), event("c", 4), event("d", 5)]);
    expect(bench.told().map((text) => text.split(" ").slice(0, 2).join(" "))).toEqual([
      "1/3: a@2",
      "1/1,3,2: b@3",
      "1/3,2: c@4",
      "1/3: d@5",
    ]);
  });

  it("leaves out filtered kinds, and hands out previous versions only where they are wanted", () => {
    const bench = new HubBench(1);
    bench.open(1);
    bench.command(
      1,
      create(1, one("a"), 0, { noPut: true }),
      create(2, one("a"), 0, { noDelete: true, prevKv: true }),
    );
    bench.told();
    bench.feed([event("a", 2), event("a", 3, "delete")]);
    expect(bench.told()).toEqual(["1/2: a@2|prev revision=2 next=3", "1/1: a@3 revision=3 next=4"]);
  });

  it("serves a start in the past from the window, and asks for history where that does not reach", () => {
    const bench = new HubBench(10);
    bench.feed([event("a", 11), event("a", 12)]);
    bench.open(1);
    bench.command(1, create(1, one("a"), 12));
    expect(bench.told()).toEqual(["1/created 1 next=12 revision=12", "1/1: a@12 revision=12 next=13"]);
    bench.command(1, create(2, one("a"), 5));
    expect(bench.told()).toEqual(["1/created 2 next=5 revision=12"]);
    expect(bench.hub.historyWanted()).toBe(5);
    bench.history(5, 8, [event("a", 5), event("b", 6), event("a", 7)]);
    expect(bench.hub.historyWanted()).toBe(8);
    bench.history(8, 13, [event("a", 11), event("a", 12)]);
    expect(bench.hub.historyWanted()).toBeUndefined();
    expect(bench.told()).toEqual(["1/2: a@5 a@7 revision=12 next=8", "1/2: a@11 a@12 revision=12 next=13"]);
    bench.feed([event("a", 13)]);
    expect(bench.told()).toEqual(["1/1,2: a@13 revision=13 next=14"]);
  });

  it("tells all watchers of a stream who want the same of it at once, also of what is past", () => {
    const bench = new HubBench(10, { deliveriesMax: 1 });
    bench.open(1);
    bench.command(1, create(1, one("a")), create(2, one("a"), 0, { prevKv: true }), create(3, one("a")));
    bench.told();
    bench.feed([event("a", 11), event("a", 12), event("a", 13), event("b", 13)]);
    bench.hub.acknowledge(stream(1), 1);
    expect(bench.told()).toEqual([
      "1/1,3: a@11 a@12 a@13 revision=13 next=14",
      "1/2: a@11|prev a@12|prev a@13|prev revision=13 next=14",
    ]);
    bench.hub.acknowledge(stream(1), 2);
    bench.feed([event("a", 14)]);
    expect(bench.told()).toEqual(["1/1,3: a@14 revision=14 next=15", "1/2: a@14|prev revision=14 next=15"]);
  });

  it("leaves those who stand elsewhere out of what it repeats", () => {
    const bench = new HubBench(10);
    bench.feed([event("a", 11), event("a", 12), event("a", 13)]);
    bench.open(1);
    bench.command(1, create(1, one("a"), 11), create(2, one("a"), 13), create(3, one("a"), 13));
    expect(bench.told().slice(3)).toEqual([
      "1/1: a@11 a@12 a@13 revision=13 next=14",
      "1/2,3: a@13 revision=13 next=14",
    ]);
  });

  it("keeps a start in the future silent until then, without progress", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a"), 13), { kind: "progress", watchers: [] });
    bench.feed([event("a", 11), event("a", 12)]);
    expect(bench.told()).toEqual(["1/created 1 next=13 revision=10"]);
    bench.command(1, { kind: "progress", watchers: [] });
    bench.feed([event("a", 13)]);
    expect(bench.told()).toEqual(["1/progress  revision=12", "1/1: a@13 revision=13 next=14"]);
  });

  it("ends a watcher that begins behind compaction, after it was created", () => {
    const bench = new HubBench(10);
    bench.hub.compacted(revision(8));
    bench.open(1);
    bench.command(1, create(1, one("a"), 7), create(2, one("a"), 8));
    expect(bench.told()).toEqual([
      "1/created 1 next=7 revision=10",
      "1/created 2 next=8 revision=10",
      "1/compacted 1 at=8",
    ]);
    expect(bench.hub.historyWanted()).toBe(8);
    bench.hub.historyCompacted(revision(9));
    expect(bench.told()).toEqual(["1/compacted 2 at=9"]);
    expect(bench.hub.watcherCount).toBe(0);
  });

  it("turns to history when the feed has a gap, and joins the feed behind it", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a")), create(2, one("a"), 20));
    bench.told();
    bench.feed([event("a", 14)], 13);
    expect(bench.told()).toEqual([]);
    expect(bench.hub.historyWanted()).toBe(11);
    bench.history(11, 14, [event("a", 12)]);
    expect(bench.told()).toEqual(["1/1: a@12 revision=14 next=13", "1/1: a@14 revision=14 next=15"]);
  });

  it("takes from a batch only what it does not know yet", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a")));
    bench.told();
    bench.feed([event("a", 11), event("a", 12)]);
    bench.feed([event("a", 12), event("a", 13)], 11);
    bench.feed([event("a", 11)], 10);
    expect(bench.told().map((text) => text.slice(0, 9))).toEqual(["1/1: a@11", "1/1: a@12", "1/1: a@13"]);
  });

  it("sends nothing more to a subscriber that does not acknowledge, and everything once it does", () => {
    const bench = new HubBench(10, { deliveriesMax: 1 });
    bench.open(1);
    bench.open(2);
    bench.command(1, create(1, one("a")));
    bench.command(2, create(1, one("a")));
    bench.told();
    bench.hub.acknowledge(stream(2), 1);
    bench.feed([event("a", 11)]);
    bench.feed([event("b", 12)]);
    expect(bench.told()).toEqual(["2/1: a@11 revision=11 next=12"]);
    expect(bench.hub.position(stream(1))).toMatchObject({ sequence: 1, revision: 12, behind: [watcher(1)] });
    expect(bench.hub.historyWanted()).toBeUndefined();
    bench.hub.acknowledge(stream(1), 1);
    expect(bench.told()).toEqual(["1/1: a@11 revision=12 next=12"]);
    expect(bench.hub.position(stream(1))).toMatchObject({ sequence: 2, behind: [] });
  });

  it("gives a subscriber that fell out of the window history, without keeping anything for it", () => {
    const bench = new HubBench(10, { deliveriesMax: 1, windowBytesMax: 1 });
    bench.open(1);
    bench.command(1, create(1, one("a")));
    bench.told();
    bench.feed([event("a", 11), event("a", 12), event("a", 13)]);
    bench.hub.acknowledge(stream(1), 1);
    expect(bench.told()).toEqual([]);
    expect(bench.hub.historyWanted()).toBe(11);
  });

  it("makes progress only behind everything that it covers", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a"), 5), { kind: "progress", watchers: [] });
    expect(bench.told()).toEqual(["1/created 1 next=5 revision=10"]);
    bench.history(5, 11, [event("a", 6)]);
    bench.command(
      1,
      { kind: "progress", watchers: [watcher(1), watcher(9)] },
      { kind: "progress", watchers: [] },
    );
    expect(bench.told()).toEqual([
      "1/1: a@6 revision=10 next=7",
      "1/progress 1 revision=10",
      "1/progress  revision=10",
    ]);
  });

  it("carries out each command once, in order, however often it comes", () => {
    const bench = new HubBench(10);
    bench.open(1);
    const commands = [create(1, one("a")), create(2, one("a"))];
    bench.hub.command(stream(1), 2, commands); // the first was lost
    bench.hub.command(stream(1), 1, commands);
    bench.hub.command(stream(1), 1, commands);
    bench.hub.command(stream(1), 2, [commands[1]!, { kind: "cancel", watcher: watcher(1) }]);
    expect(bench.told()).toHaveLength(2);
    bench.feed([event("a", 11)]);
    expect(bench.told()).toEqual(["1/2: a@11 revision=11 next=12"]);
    expect(bench.hub.position(stream(1))?.commands).toBe(3);
  });

  it("cuts what it replays at the end of a revision", () => {
    const bench = new HubBench(10, { itemBytesMax: 8 });
    bench.open(1);
    bench.command(1, create(1, one("a"), 5));
    bench.history(5, 11, [event("a", 5), event("a", 6), event("a", 6), event("a", 6), event("a", 7)]);
    expect(bench.told().slice(1)).toEqual([
      "1/1: a@5 a@6 a@6 a@6 revision=10 next=7",
      "1/1: a@7 revision=10 next=8",
    ]);
  });

  it("forgets a stream with all its watchers", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a")), create(2, EVERYTHING, 3));
    bench.hub.close(stream(1));
    bench.feed([event("a", 11)]);
    expect(bench.told()).toEqual([]);
    expect(bench.hub.historyWanted()).toBeUndefined();
    expect([bench.hub.watcherCount, bench.hub.unsyncedCount, bench.hub.streamCount]).toEqual([0, 0, 0]);
    expect(bench.hub.position(stream(1))).toBeUndefined();
  });
});
