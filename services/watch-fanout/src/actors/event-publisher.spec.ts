import { utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { WatchHub, type WatchEvent } from "@quorate/watch";
import { mvccpb, parseClusterName, Subjects } from "@quorate/wire";
import { EVENT_STREAM, EventPublisher } from "./event-publisher";

const WINDOW_BYTES = 400;

/** A publisher on a real hub, and a broker that confirms when told to. */
class Bench {
  readonly published: string[] = [];
  readonly publisher: EventPublisher;
  hub: WatchHub;
  flushes = 0;

  constructor(at: number) {
    this.hub = hubAt(at);
    this.publisher = new EventPublisher(
      { windowBytes: WINDOW_BYTES },
      {
        subjects: new Subjects(parseClusterName("c1")),
        logger: SILENT_LOGGER,
        publish: (subject, _, headers) =>
          this.published.push(
            `${subject.slice("quorate.c1.event.".length)}@${headers?.["Quorate-Revision"]}`,
          ),
        flush: () => (this.flushes += 1),
      },
    );
  }

  seat(held: boolean, published = 0): void {
    this.publisher.seat(this.hub, { kind: "seat", held, published: published as Revision });
    this.turn();
  }

  feed(from: number, to: number): void {
    const events = Array.from({ length: to - from + 1 }, (_, at) => put("a", from + at));
    this.hub.feed({
      prevRevision: (from - 1) as Revision,
      revision: to as Revision,
      compactRevision: -1 as Revision,
      events,
    });
    this.turn();
  }

  confirm(arrived = true): void {
    this.flushes -= 1;
    this.publisher.flushed(this.hub, arrived);
    this.turn();
  }

  turn(): void {
    for (const delivery of this.hub.takeDeliveries()) this.publisher.deliver(this.hub, delivery);
  }

  /** What was published since the last time. */
  news(): string[] {
    return this.published.splice(0);
  }
}

function hubAt(revision: number): WatchHub {
  return new WatchHub(
    { windowBytesMax: 100_000, deliveriesMax: 256, itemBytesMax: 100 },
    { revision: revision as Revision, compactRevision: -1 as Revision },
  );
}

function put(key: string, revision: number): WatchEvent {
  const kv = { key: utf8(key), modRevision: revision, value: utf8("v") };
  const bytes = mvccpb.Event.encode({ kv }).finish();
  return { kind: "put", main: revision as Revision, key, bytes, headBytes: bytes.length };
}

function changes(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `put.a@${from + at}`);
}

describe("EventPublisher", () => {
  it("publishes every change once, in order, from now on, while it holds the seat", () => {
    const bench = new Bench(10);
    bench.feed(11, 12);
    bench.seat(true);
    bench.feed(13, 15);
    expect(bench.news()).toEqual(changes(13, 15));
    bench.seat(false);
    bench.feed(16, 17);
    expect(bench.news()).toEqual([]);
  });

  it("costs the hub no watcher while another one holds the seat", () => {
    const bench = new Bench(10);
    bench.seat(false, 10);
    expect(bench.hub.watcherCount).toBe(0);
  });

  it("goes on behind what another one has published", () => {
    const bench = new Bench(10);
    bench.feed(11, 16);
    bench.seat(false, 12);
    bench.seat(true, 13);
    expect(bench.news()).toEqual(changes(14, 16));
  });

  it("publishes no more than the window before the broker confirms, and then the rest", () => {
    const bench = new Bench(10);
    bench.seat(true);
    for (let revision = 11; revision <= 110; revision += 1) bench.feed(revision, revision);
    const first = bench.news();
    expect(first.length).toBeLessThan(30);
    expect(bench.flushes).toBe(1);
    const all = [...first];
    while (bench.flushes > 0) {
      bench.confirm();
      all.push(...bench.news());
    }
    expect(all).toEqual(changes(11, 110));
    expect(bench.publisher.published).toBe(110);
  });

  it("publishes again what the broker has not confirmed, once it is there again", () => {
    const bench = new Bench(10);
    bench.seat(true);
    bench.confirm();
    bench.feed(11, 12);
    bench.confirm();
    bench.feed(13, 14);
    bench.confirm(false);
    expect(bench.publisher.published).toBe(12);
    bench.news();
    bench.seat(true, 12);
    bench.feed(15, 15);
    expect(bench.news()).toEqual(changes(13, 15));
  });

  it("does not count a confirmation for a stream that it has begun anew meanwhile", () => {
    const bench = new Bench(10);
    bench.seat(true);
    bench.feed(11, 12);
    bench.seat(false);
    bench.seat(true);
    bench.confirm();
    expect(bench.publisher.published).toBe(0);
    bench.confirm();
    expect(bench.publisher.published).toBe(12);
  });

  it("goes on with another hub where it was", () => {
    const bench = new Bench(10);
    bench.seat(true);
    bench.confirm();
    bench.feed(11, 12);
    bench.confirm();
    bench.publisher.hubLost();
    bench.hub = hubAt(12);
    bench.feed(13, 13);
    bench.seat(true);
    expect([...bench.news()]).toEqual(changes(11, 13));
  });

  it("skips what has been compacted, and goes on", () => {
    const bench = new Bench(10);
    bench.hub.compacted(8 as Revision);
    bench.seat(true, 3);
    bench.seat(true, 3);
    expect(bench.hub.historyWanted()).toBe(8);
    bench.hub.history({
      from: 8 as Revision,
      next: 11 as Revision,
      events: [8, 9, 10].map((at) => put("a", at)),
    });
    bench.turn();
    expect(bench.news()).toEqual(changes(8, 10));
    expect(bench.hub.has(EVENT_STREAM)).toBe(true);
  });
});
