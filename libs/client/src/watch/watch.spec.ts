import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { prefix } from "../key-range";
import { QuorateClient } from "../quorate-client";
import { ScriptedFanout } from "../testing/scripted-fanout";
import { WatchCompactedError, type Watch } from "./watch";

const subjects = new Subjects(parseClusterName("test"));
class Bench {
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork({}, { clock: this.time, scheduler: this.time, prng: seededPrng(1) });
  #ids = 100n;
  readonly client = new QuorateClient(
    { cluster: "test" },
    {
      transport: this.network.connect("client"),
      clock: this.time,
      scheduler: this.time,
      randomId: () => (this.#ids += 1n),
    },
  );

  fanout(source: number, revision: number): ScriptedFanout {
    const transport = this.network.connect(`fanout${source}`);
    return new ScriptedFanout({ source, revision }, { transport, subjects });
  }

  /** Lets time pass until the promise has settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => void (isDone = true);
    promise.then(done, done);
    for (let turn = 0; turn < 20_000 && !isDone; turn += 1) {
      await Promise.resolve();
      if (!isDone) this.time.advance(1);
    }
    return promise;
  }

  async next(watch: Watch): Promise<string> {
    const { value } = await this.settled(watch.next());
    return value === undefined ? "end" : `${value.keyValue.keyText}=${value.keyValue.text}@${value.revision}`;
  }
}

describe("QuorateClient.watch", () => {
  it("tells of changes from when it has started on, and of earlier ones if asked to", async () => {
    const bench = new Bench();
    const fanout = bench.fanout(1, 10);
    fanout.put("jobs/1", 11);
    const live = bench.client.watch(prefix("jobs/"));
    expect(await bench.settled(live.started)).toBe(11);
    const past = bench.client.watch(prefix("jobs/"), { fromRevision: 11, previous: true });
    const { value } = await bench.settled(past.next());
    expect(value).toMatchObject({ type: "put", revision: 11, isNew: false, previous: { text: "before" } });
    const waiting = live.next();
    fanout.put("other", 12);
    fanout.put("jobs/2", 13);
    expect((await bench.settled(waiting)).value).toMatchObject({ revision: 13, previous: undefined });
  });

  it("goes on with another fan-out where it was, and misses nothing", async () => {
    const bench = new Bench();
    const first = bench.fanout(1, 10);
    const watch = bench.client.watch(prefix("a"));
    await bench.settled(watch.started);
    first.put("a1", 11);
    expect(await bench.next(watch)).toBe("a1=v11@11");
    bench.network.crash("fanout1");
    const second = bench.fanout(2, 11);
    second.put("a2", 12);
    second.put("a3", 13);
    expect(await bench.next(watch)).toBe("a2=v12@12");
    expect(await bench.next(watch)).toBe("a3=v13@13");
  });

  it("notices a delivery that was lost, and gets it again", async () => {
    const bench = new Bench();
    const fanout = bench.fanout(1, 10);
    const watch = bench.client.watch(prefix("a"));
    await bench.settled(watch.started);
    bench.network.faults.cutOneWay("fanout1", "client");
    fanout.put("a1", 11);
    bench.time.advance(10);
    bench.network.faults.mendOneWay("fanout1", "client");
    fanout.put("a2", 12);
    expect([await bench.next(watch), await bench.next(watch)]).toEqual(["a1=v11@11", "a2=v12@12"]);
  });

  it("sends heartbeats even if only the answer to its opening was lost", async () => {
    const bench = new Bench();
    const fanout = bench.fanout(1, 10);
    fanout.answersOpen = false;
    const watch = bench.client.watch(prefix("a"));
    await bench.settled(watch.started); // the delivery told who serves the stream
    bench.time.advance(60_000);
    expect(fanout.controls).toBeGreaterThan(20);
    await watch.return();
  });

  it("throws once when history is gone, and then is over", async () => {
    const bench = new Bench();
    bench.fanout(1, 10).hub.compacted(8 as Revision);
    const watch = bench.client.watch(prefix("a"), { fromRevision: 5 });
    const error = await bench.settled(watch.next()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WatchCompactedError);
    expect(error).toMatchObject({ code: "compacted", compactRevision: 8 });
    expect(await bench.next(watch)).toBe("end");
  });

  it("ends with its signal, its loop and its client, and tells the fan-out", async () => {
    const bench = new Bench();
    const fanout = bench.fanout(1, 10);
    const abort = new AbortController();
    const watches = [
      bench.client.watch(prefix("a"), { signal: abort.signal }),
      bench.client.watch(prefix("a")),
      bench.client.watch(prefix("a")),
    ] as const;
    for (const watch of watches) await bench.settled(watch.started);
    expect(fanout.hub.streamCount).toBe(3);
    const waiting = watches[0].next();
    abort.abort();
    expect(await bench.settled(waiting)).toEqual({ done: true, value: undefined });
    await bench.settled(watches[1].return());
    bench.time.advance(1);
    expect(fanout.hub.streamCount).toBe(1);
    await bench.settled(bench.client.close());
    expect(await bench.next(watches[2])).toBe("end");
    expect(bench.client.watch.bind(bench.client, prefix("a"))).toThrow("closed");
    const aborted = new Bench().client.watch(prefix("a"), { signal: AbortSignal.abort() });
    expect(aborted.isEnded).toBe(true);
  });
});
