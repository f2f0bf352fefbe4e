import { VirtualTime } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { etcdserverpb, type WatchRequest } from "@quorate/wire";
import { ScriptedFanout } from "../../../../libs/client/src/testing/scripted-fanout";
import type { RequestFailure } from "../api/request-failure";
import type { SharedResponses } from "../api/shared-responses";
import { testGateway } from "../testing/test-gateway";
import type { WatchStream } from "./watch-stream";

type Create = Extract<WatchRequest, { kind: "create" }>;

/** A gateway's watch API on a scripted fan-out, and one client of it. */
class Bench {
  readonly time = new VirtualTime();
  readonly parts = testGateway({ clock: this.time, scheduler: this.time }, { watchProgressNotifyMs: 1000 });
  readonly fanout: ScriptedFanout;
  readonly responses: etcdserverpb.WatchResponse[] = [];
  readonly stream: WatchStream;
  failure: RequestFailure | undefined;
  reads = true;

  constructor({ requireLeader = false } = {}) {
    const { network, subjects, gateway, nodes } = this.parts;
    this.fanout = new ScriptedFanout(
      { source: 7, revision: 10 },
      { transport: network.connect("fanout"), subjects },
    );
    nodes[0].leads(5);
    this.time.advance(10);
    const write = (response: Uint8Array): boolean => {
      this.responses.push(etcdserverpb.WatchResponse.decode(Uint8Array.from(response)));
      return this.reads;
    };
    const writeShared = (responses: SharedResponses): boolean => responses.sendWhole(write);
    const fail = (failure: RequestFailure): void => void (this.failure = failure);
    this.stream = gateway.watch.open({ write, writeShared, fail }, requireLeader)!;
  }

  create(more: Partial<Create> = {}): void {
    this.stream.receive({
      kind: "create",
      range: { key: utf8("a"), rangeEnd: undefined },
      startRevision: 0 as Revision,
      watchId: 0n,
      prevKv: false,
      progressNotify: false,
      fragment: false,
      noPut: false,
      noDelete: false,
      ...more,
    });
  }

  /** What came within the next milliseconds, as text. */
  told(ms = 20): string[] {
    this.time.advance(ms);
    return this.responses.splice(0).map(describe_);
  }
}

function describe_(response: etcdserverpb.WatchResponse): string {
  const { watchId, created, canceled, compactRevision, cancelReason, fragment, events, header } = response;
  return [
    `${watchId}@${header?.revision}`,
    created ? "created" : "",
    canceled ? "canceled" : "",
    Number(compactRevision) > 0 ? `compacted=${compactRevision}` : "",
    cancelReason,
    fragment ? "fragment" : "",
    events.map(({ kv }) => `${kv?.modRevision}`).join(","),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

describe("WatchStream", () => {
  it("answers every create in the order of the requests, those that fail among them", () => {
    const bench = new Bench();
    bench.create({ startRevision: -5 as Revision });
    bench.create();
    bench.create({ range: { key: utf8("b"), rangeEnd: utf8("a") } });
    bench.create({ watchId: 2n });
    bench.create({ watchId: 2n });
    bench.create();
    bench.create();
    expect(bench.told()).toEqual([
      "-1@10 created canceled etcdserver: mvcc: required revision has been compacted",
      "0@10 created",
      "-1@10 created canceled mvcc: watcher range is empty",
      "2@10 created",
      "-1@10 created canceled mvcc: duplicate watch ID provided on the WatchStream",
      "1@10 created",
      "3@10 created",
    ]);
  });

  it("refuses watchers beyond the limit of a stream, until others are cancelled", () => {
    const bench = new Bench();
    for (let at = 0; at < 9; at += 1) bench.create();
    expect(bench.told().at(-1)).toBe("-1@10 created canceled quorate: too many watchers on this stream");
    bench.stream.receive({ kind: "cancel", watchId: 3n });
    bench.create();
    expect(bench.told()).toEqual(["3@10 canceled", "8@10 created"]);
  });

  it("confirms a cancel once, after the creation, and says nothing of that watcher afterwards", () => {
    const bench = new Bench();
    bench.create();
    bench.stream.receive({ kind: "cancel", watchId: 0n });
    bench.stream.receive({ kind: "cancel", watchId: 0n });
    bench.stream.receive({ kind: "cancel", watchId: 9n });
    expect(bench.told()).toEqual(["0@10 created", "0@10 canceled"]);
    bench.fanout.put("a", 11);
    expect(bench.told()).toEqual([]);
  });

  it("keeps the id of a watcher that compaction ended until it is cancelled", () => {
    const bench = new Bench();
    bench.fanout.hub.compacted(8 as Revision);
    bench.create({ watchId: 4n, startRevision: 5 as Revision });
    expect(bench.told()).toEqual(["4@10 created", "4@0 canceled compacted=8"]);
    bench.create({ watchId: 4n });
    expect(bench.told()).toEqual([
      "-1@10 created canceled mvcc: duplicate watch ID provided on the WatchStream",
    ]);
    bench.stream.receive({ kind: "cancel", watchId: 4n });
    bench.create({ watchId: 4n });
    expect(bench.told()).toEqual(["4@10 canceled", "4@10 created"]);
  });

  it("tells quiet watchers that asked for it of progress, and skips those that got events", () => {
    const bench = new Bench();
    bench.create({ progressNotify: true });
    bench.create({ progressNotify: true, range: { key: utf8("b"), rangeEnd: undefined } });
    bench.create();
    bench.told();
    bench.fanout.put("a", 11);
    expect(bench.told(1150)).toEqual(["0@11 11", "2@11 11", "1@11"]);
    expect(bench.told(1150)).toEqual(["0@11", "1@11"]);
  });

  it("answers a request for progress for the whole stream, unless a watcher has not begun", () => {
    const bench = new Bench();
    bench.stream.receive({ kind: "progress" });
    bench.create();
    expect(bench.told()).toEqual(["0@10 created"]);
    bench.stream.receive({ kind: "progress" });
    expect(bench.told()).toEqual(["-1@10"]);
    bench.create({ startRevision: 12 as Revision });
    bench.stream.receive({ kind: "progress" });
    expect(bench.told()).toEqual(["1@10 created"]);
    bench.fanout.put("x", 11);
    bench.fanout.put("x", 12);
    bench.told();
    bench.stream.receive({ kind: "progress" });
    expect(bench.told()).toEqual(["-1@12"]);
  });

  it("tells progress behind the events that a client has not read yet", () => {
    const bench = new Bench();
    bench.create();
    bench.told();
    bench.reads = false;
    for (const revision of [11, 12]) bench.fanout.put("a", revision);
    bench.told();
    bench.stream.receive({ kind: "progress" });
    expect(bench.told()).toEqual([]);
    bench.reads = true;
    bench.stream.drained();
    expect(bench.told()).toEqual(["0@12 12", "-1@12"]);
  });

  it("writes nothing to a client that does not read, and holds no more than a window for it", () => {
    const bench = new Bench();
    bench.create();
    bench.told();
    bench.reads = false;
    const value = "x".repeat(100_000);
    for (let revision = 11; revision < 51; revision += 1) bench.fanout.put("a", revision, value);
    expect(bench.told(2500)).toEqual(["0@11 11"]);
    expect(bench.fanout.hub.unsyncedCount).toBe(1);
    bench.reads = true;
    bench.stream.drained();
    const revisions = bench.told(5000).flatMap((text) => text.split(" ")[1]!.split(",").map(Number));
    expect(revisions).toEqual(Array.from({ length: revisions.length }, (_, at) => 12 + at));
    // The scripted fan-out has no history to read: what its window held has come.
    expect(revisions.length).toBeGreaterThan(5);
  });

  it("ends a stream that needs a leader after three looks without one", () => {
    const bench = new Bench({ requireLeader: true });
    bench.create();
    bench.told();
    for (const node of bench.parts.nodes) node.follows(undefined, 6);
    bench.told(2500);
    expect(bench.failure).toBeUndefined();
    bench.told(1000);
    expect(bench.failure).toMatchObject({ code: "no-leader" });
    const fail = jest.fn();
    expect(
      bench.parts.gateway.watch.open({ write: () => true, writeShared: () => true, fail }, true),
    ).toBeUndefined();
    expect(fail).toHaveBeenCalledTimes(1);
  });

  it("finds out by itself that the leader is gone", () => {
    const bench = new Bench({ requireLeader: true });
    bench.told();
    bench.parts.network.crash(`node-${bench.parts.nodes[0].options.member}`);
    bench.told(6000);
    expect(bench.failure).toMatchObject({ code: "no-leader" });
  });

  it("ends all streams when the gateway stops", () => {
    const bench = new Bench();
    bench.create();
    bench.told();
    bench.parts.gateway.close();
    expect(bench.failure).toMatchObject({ code: "stopped" });
    bench.told();
    expect(bench.fanout.hub.streamCount).toBe(0);
  });
});
