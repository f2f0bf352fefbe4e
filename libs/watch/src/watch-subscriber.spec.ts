import fc from "fast-check";
import { binaryString } from "@quorate/base";
import type { KeyRange } from "@quorate/mvcc";
import {
  create,
  event,
  EVERYTHING,
  HubBench,
  matches,
  one,
  revision,
  SOURCE,
  spec,
  stream,
  watcher,
} from "./testing/hub-bench";
import type { SourceId, WatchDelivery, WatchEvent, WatchItem } from "./types";
import { WatchSubscriber } from "./watch-subscriber";

function delivery(
  id: number,
  sequence: number,
  items: readonly WatchItem[],
  more: Partial<WatchDelivery> = {},
): WatchDelivery {
  return { stream: stream(id), sequence, commands: 0, items, revision: revision(10), behind: [], ...more };
}

const created: WatchItem = {
  kind: "created",
  watcher: watcher(1),
  next: revision(11),
  revision: revision(10),
};

function events(next: number): WatchItem {
  return {
    kind: "events",
    watchers: [watcher(1)],
    revision: revision(next - 1),
    next: revision(next),
    events: [],
  };
}

describe("WatchSubscriber", () => {
  it("takes deliveries in their order, ignores old ones, and breaks at a gap", () => {
    const subscriber = new WatchSubscriber();
    subscriber.create(spec(one("a")), revision(0));
    subscriber.begin(stream(1));
    expect(subscriber.receive(SOURCE, delivery(1, 1, [created])).kind).toBe("items");
    expect(subscriber.receive(SOURCE, delivery(1, 1, [created])).kind).toBe("ignored");
    expect(subscriber.receive(SOURCE, delivery(1, 1, [])).kind).toBe("items");
    expect(subscriber.receive(SOURCE, delivery(1, 3, [events(13)])).kind).toBe("broken");
    expect(subscriber.receive(SOURCE, delivery(1, 2, [])).kind).toBe("broken");
  });

  it("listens to the first that serves its stream, and to nobody else", () => {
    const subscriber = new WatchSubscriber();
    subscriber.create(spec(one("a")), revision(0));
    subscriber.begin(stream(1));
    subscriber.receive(SOURCE, delivery(1, 1, [created]));
    expect(subscriber.receive(2n as SourceId, delivery(1, 2, [events(12)])).kind).toBe("ignored");
    expect(subscriber.receive(SOURCE, delivery(9, 2, [events(12)])).kind).toBe("ignored");
  });

  it("lets no watcher begin before what its owner has heard of elsewhere, with any source", () => {
    const subscriber = new WatchSubscriber();
    const number = subscriber.create(spec(one("a")), revision(0), revision(12));
    for (const id of [1, 2]) expect(subscriber.begin(stream(id))).toMatchObject([{ next: 0, seen: 12 }]);
    const begun: WatchItem = { ...created, watcher: number, next: revision(13) };
    subscriber.receive(SOURCE, delivery(2, 1, [begun]));
    expect(subscriber.revision).toBe(12);
    expect(subscriber.begin(stream(3))).toMatchObject([{ next: 13 }]);
  });

  it("repeats commands until they were carried out", () => {
    const subscriber = new WatchSubscriber();
    subscriber.create(spec(one("a")), revision(5));
    expect(subscriber.begin(stream(1))).toEqual([create(1, one("a"), 5)]);
    subscriber.create(spec(one("b")), revision(6));
    expect(subscriber.control()).toMatchObject({ firstCommand: 1, commands: { length: 2 } });
    subscriber.receive(SOURCE, delivery(1, 0, [], { commands: 1 }));
    expect(subscriber.control()).toMatchObject({
      firstCommand: 2,
      commands: [{ kind: "create", watcher: 2 }],
    });
  });

  it("goes on behind what it has received, and where it is known to have missed nothing", () => {
    const subscriber = new WatchSubscriber();
    const begin = (id: number): unknown =>
      subscriber.begin(stream(id)).map((command) => "next" in command && command.next);
    subscriber.create(spec(one("a")), revision(0));
    subscriber.create(spec(one("b")), revision(4));
    begin(1);
    const second: WatchItem = {
      kind: "created",
      watcher: watcher(2),
      next: revision(4),
      revision: revision(10),
    };
    subscriber.receive(SOURCE, delivery(1, 1, [created, second], { behind: [watcher(2)] }));
    expect(begin(2)).toEqual([11, 4]);
    subscriber.receive(SOURCE, delivery(2, 1, [created, second, events(13)], { revision: revision(14) }));
    expect(begin(3)).toEqual([15, 15]);
    // What a position says does not reach watchers that the stream has not confirmed.
    subscriber.receive(SOURCE, delivery(3, 0, [], { revision: revision(30) }));
    expect(begin(4)).toEqual([15, 15]);
  });

  it("tells of a creation once, and of nothing after a cancel", () => {
    const subscriber = new WatchSubscriber();
    const number = subscriber.create(spec(one("a")), revision(0));
    subscriber.begin(stream(1));
    const items = (id: number, sequence: number, item: WatchItem): unknown =>
      subscriber.receive(SOURCE, delivery(id, sequence, [item]));
    expect(items(1, 1, created)).toEqual({ kind: "items", items: [created] });
    subscriber.begin(stream(2));
    expect(items(2, 1, created)).toEqual({ kind: "items", items: [] });
    subscriber.cancel(number);
    expect(items(2, 2, events(12))).toEqual({ kind: "items", items: [] });
  });
});

const KEYS = ["a", "b", "c"];
const RANGES: readonly KeyRange[] = [EVERYTHING, one("a"), { key: one("b").key, rangeEnd: one("c").key }];
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("change" as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("deliver" as const), lose: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("ack" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("history" as const), length: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("gap" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("replace" as const) }) },
);

describe("a hub and a subscriber", () => {
  // Goal: each watcher gets exactly the events of its keys from its start on, in order and once, whatever is lost and whoever
  // is replaced. Method: a log of all events, a hub that is fed from it with gaps, deliveries that get lost.
  it("lose, double and reorder nothing under any schedule of losses, gaps, slowness and replacement", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 3, maxLength: 3 }),
        fc.infiniteStream(fc.constantFrom(...KEYS)),
        (steps, starts, keys) => {
          const log: WatchEvent[] = [];
          let last = 5;
          const grow = (): WatchEvent[] => {
            last += 1;
            const changes = [0, 1].slice(last % 2).map(() => event(keys.next().value!, last));
            log.push(...changes);
            return changes;
          };
          while (last < 8) grow();
          const newBench = (): HubBench =>
            new HubBench(last, { windowBytesMax: 700, itemBytesMax: 12, deliveriesMax: 3 });
          let bench = newBench();
          let streams = 0;
          const subscriber = new WatchSubscriber();
          const open = (): void => {
            streams += 1;
            const commands = subscriber.begin(stream(streams));
            bench.open(streams, 60);
            bench.hub.command(stream(streams), 1, commands);
          };
          const watched = RANGES.map((range, at) => {
            const start = starts[at]!;
            subscriber.create(spec(range), revision(start));
            return { range, start, got: [] as string[], created: false };
          });
          const take = (one: WatchDelivery): void => {
            const received = subscriber.receive(BigInt(streams) as SourceId, one);
            if (received.kind === "broken") return open();
            if (received.kind === "ignored") return;
            for (const item of received.items) {
              const own = "watcher" in item ? watched[item.watcher - 1]! : undefined;
              if (item.kind === "created") {
                own!.created = true;
                own!.start = item.next; // where "from now on" begins
              }
              if (item.kind !== "events") continue;
              for (const number of item.watchers)
                watched[number - 1]!.got.push(...item.events.map((bytes) => binaryString(bytes)));
            }
          };
          const readHistory = (length: number): void => {
            const from = bench.hub.historyWanted();
            if (from === undefined) return;
            const next = Math.min(from + length, Math.max(from, last + 1));
            if (next <= from) return;
            bench.history(
              from,
              next,
              log.filter(({ main }) => main >= from && main < next),
            );
          };
          open();
          for (const one of steps) {
            if (one.kind === "change") for (let at = 0; at < one.count; at += 1) bench.feed(grow(), last - 1);
            else if (one.kind === "gap") grow();
            else if (one.kind === "history") readHistory(one.length);
            else if (one.kind === "ack") {
              subscriber.consumed(subscriber.received);
              bench.hub.acknowledge(stream(streams), subscriber.control().ack);
            } else if (one.kind === "replace") {
              bench = newBench();
              open();
            } else for (const sent of bench.deliveries()) if (!one.lose) take(sent);
          }
          // From here on nothing is lost any more.
          bench.hub.skipTo(revision(last));
          for (let round = 0; round < 400; round += 1) {
            readHistory(5);
            for (const sent of bench.deliveries()) take(sent);
            const position = bench.hub.position(stream(streams));
            if (position !== undefined) take(position);
            subscriber.consumed(subscriber.received);
            bench.hub.acknowledge(stream(streams), subscriber.control().ack);
          }
          for (const { range, start, got, created: isCreated } of watched) {
            expect(isCreated).toBe(true);
            const expected = log.filter(({ main, key }) => main >= start && matches(range, key));
            expect(got).toEqual(
              expected.map(({ bytes, headBytes }) => binaryString(bytes.subarray(0, headBytes))),
            );
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
