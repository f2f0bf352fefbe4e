import { binaryString } from "@quorate/base";
import {
  create,
  event,
  EVERYTHING,
  HubBench,
  one,
  revision,
  stream,
  watcher,
} from "../../libs/watch/src/testing/hub-bench";

const progress = { kind: "progress", watchers: [] } as const;

describe("watches", () => {
  it("etcd #15220: progress that was asked for while events wait comes behind them, and at their revision", () => {
    const bench = new HubBench(10, { deliveriesMax: 1 });
    bench.open(1);
    bench.command(1, create(1, one("a")));
    bench.told();
    bench.feed([event("a", 11), event("a", 12)]); // the subscriber has not acknowledged: they wait
    bench.command(1, { kind: "progress", watchers: [watcher(1)] });
    expect(bench.told()).toEqual([]);
    bench.hub.acknowledge(stream(1), 1);
    expect(bench.told()).toEqual(["1/1: a@11 a@12 revision=12 next=13"]); // they tell of progress enough
    bench.hub.acknowledge(stream(1), 2);
    bench.command(1, { kind: "progress", watchers: [watcher(1)] });
    expect(bench.told()).toEqual(["1/progress 1 revision=12"]);
  });

  it("etcd #15220: nor is it told of a watcher that still reads its past", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a"), 5), progress);
    expect(bench.told()).toEqual(["1/created 1 next=5 revision=10"]);
    bench.history(5, 11, [event("a", 6)]);
    bench.command(1, progress);
    expect(bench.told()).toEqual(["1/1: a@6 revision=10 next=7", "1/progress  revision=10"]);
  });

  it("etcd #17507: a watch of a quiet key is told of progress once it has begun, without any event", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("quiet"), 5), progress);
    bench.told();
    bench.history(5, 11, []); // nothing of it there
    bench.command(1, progress);
    expect(bench.told()).toEqual(["1/progress  revision=10"]);
  });

  it("etcd #8411: after a member caught up by a snapshot its watchers get what happened meanwhile", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a")));
    bench.told();
    bench.feed([event("a", 15)], 14); // 11 to 14 are in the snapshot: the member has no events of them to send
    expect(bench.told()).toEqual([]);
    expect(bench.hub.historyWanted()).toBe(11);
    bench.history(11, 15, [event("a", 12), event("b", 13)]);
    expect(bench.told()).toEqual(["1/1: a@12 revision=15 next=13", "1/1: a@15 revision=15 next=16"]);
  });

  it("etcd #15271: and nobody gets again what it had before", () => {
    const bench = new HubBench(10);
    bench.open(1);
    bench.command(1, create(1, one("a")));
    bench.told();
    bench.feed([event("a", 11), event("a", 12)]);
    bench.told();
    bench.feed([event("a", 11), event("a", 12), event("b", 13)], 9); // from a member that begins further back
    bench.feed([event("a", 16)], 15);
    bench.history(14, 16, [event("a", 15)]);
    expect(bench.told().flatMap((line) => line.match(/a@\d+/g) ?? [])).toEqual(["a@15", "a@16"]);
  });

  it("etcd #20221, #19487, #9775: a watch from a revision to come begins there, over snapshots and progress too", () => {
    const bench = new HubBench(3);
    bench.open(1);
    bench.command(1, create(1, one("a"), 12));
    bench.feed([event("a", 4)]);
    bench.command(1, progress);
    bench.feed([event("a", 9)], 8); // a gap, as after a snapshot
    const wanted = bench.hub.historyWanted();
    if (wanted !== undefined) bench.history(wanted, 9, [event("a", 6)]);
    bench.feed([event("a", 10), event("a", 11), event("a", 12), event("a", 13)]);
    const events = bench.told().flatMap((line) => line.match(/a@\d+/g) ?? []);
    expect(events).toEqual(["a@12", "a@13"]);
  });

  it("etcd #17529: a watcher that fell behind compaction is ended with the revision, not moved over the gap", () => {
    const bench = new HubBench(10, { deliveriesMax: 1, windowBytesMax: 1 });
    bench.open(1);
    bench.command(1, create(1, one("a")));
    bench.told();
    bench.feed([event("a", 11)]);
    bench.feed([event("a", 12), event("a", 13)]); // does not read: the window has moved on
    bench.hub.compacted(revision(13));
    bench.feed([event("a", 14)], 13, 13);
    bench.hub.acknowledge(stream(1), 1);
    expect(bench.hub.historyWanted()).toBeUndefined();
    bench.hub.acknowledge(stream(1), 2);
    const told = bench.told();
    expect(told.filter((line) => line.includes("compacted 1 at=13"))).toHaveLength(1);
    expect(told.filter((line) => line.includes("a@14"))).toEqual([]);
  });

  it("etcd #17529: many watchers of one stream each get all, however slowly it is read", () => {
    const bench = new HubBench(0, { deliveriesMax: 1, windowBytesMax: 40 });
    bench.open(1);
    bench.command(1, ...[1, 2, 3].map((number) => create(number, number === 3 ? EVERYTHING : one("a"))));
    const log = Array.from({ length: 30 }, (_, at) => event(at % 2 === 0 ? "a" : "b", at + 1));
    const got = new Map([1, 2, 3].map((number) => [number, [] as string[]]));
    let acknowledged = 0;
    const read = (): void => {
      for (const { sequence, items } of bench.deliveries()) {
        acknowledged = sequence;
        for (const item of items)
          if (item.kind === "events")
            for (const number of item.watchers) got.get(number)!.push(...item.events.map(binaryString));
      }
      const from = bench.hub.historyWanted();
      if (from === undefined) return;
      const next = Math.min(from + 3, bench.hub.revision + 1);
      bench.history(
        from,
        next,
        log.filter(({ main }) => main >= from && main < next),
      );
    };
    for (const each of log) {
      bench.feed([each]);
      if (each.main % 7 === 0) read();
    }
    for (let round = 0; round < 100; round += 1) {
      read();
      bench.hub.acknowledge(stream(1), acknowledged);
    }
    const all = log.map(({ key, main }) => `${key}@${main}`);
    expect(got.get(1)).toEqual(all.filter((text) => text.startsWith("a")));
    expect(got.get(2)).toEqual(got.get(1));
    expect(got.get(3)).toEqual(all);
  });
});
