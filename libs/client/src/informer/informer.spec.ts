import { InformerBench } from "../testing/informer-bench";
import { InformerFullError, type Informer } from "./informer";

const contentOf = (informer: Informer<string>): Record<string, string> =>
  Object.fromEntries(Array.from(informer.entries(), ({ keyText, value }) => [keyText, value]));

describe("Informer", () => {
  it("holds what is there, follows it, and tells of it", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    bench.store.put("/a", "1"); // revision 2
    bench.store.put("other", "x");
    await using informer = bench.informer();
    const events = informer.events();
    expect([informer.revision, informer.size]).toEqual([0, 0]);
    await bench.settled(informer.synced);
    expect(informer.revision).toBe(3);
    expect(informer.get("/a")).toMatchObject({ keyText: "/a", value: "1", modRevision: 2, version: 1 });
    bench.store.put("/a", "2");
    bench.store.put("/b", "3");
    bench.store.delete("/a");
    bench.store.put("other", "y");
    expect(await bench.nextOnes(events, 4)).toEqual(["+/a=1@2", "~/a=1>2@4", "+/b=3@5", "-/a=2@6"]);
    expect(contentOf(informer)).toEqual({ "/b": "3" });
    expect(informer.revision).toBe(6);
  });

  it("reads a long list in pages at one revision, and loses nothing that happens meanwhile", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    for (let at = 0; at < 5; at += 1) bench.store.put(`/${at}`, "old");
    bench.store.afterRange = () => {
      bench.store.put(`/${bench.store.ranges.length}`, "new"); // partly behind, partly ahead of the pages
    };
    await using informer = bench.informer({ pageKeys: 2 });
    const events = informer.events();
    await bench.settled(informer.synced);
    expect(bench.store.ranges).toEqual([
      { revision: 0, limit: 2 },
      { revision: 6, limit: 2 },
      { revision: 6, limit: 2 },
    ]);
    expect(await bench.nextOnes(events, 8)).toEqual([
      ...["+/0=old@2", "+/1=old@3", "+/2=old@4", "+/3=old@5", "+/4=old@6"],
      ...["~/1=old>new@7", "~/2=old>new@8", "~/3=old>new@9"],
    ]);
  });

  it("begins its list anew if the list's revision is compacted between two pages", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    for (let at = 0; at < 5; at += 1) bench.store.put(`/${at}`, "old");
    let compactions = 0;
    bench.store.afterRange = () => {
      compactions += 1;
      bench.store.put("/0", `${compactions}`);
      if (compactions <= 2) bench.store.compact();
    };
    await using informer = bench.informer({ pageKeys: 2 });
    const events = informer.events();
    await bench.settled(informer.synced);
    expect(bench.store.ranges.map(({ revision }) => revision)).toEqual([0, 6, 0, 7, 0, 8, 8]);
    expect((await bench.nextOnes(events, 6)).at(0)).toBe("+/0=2@8");
    await bench.settled(informer.waitFor(bench.store.revision));
    expect(informer.get("/0")?.value).toBe(`${compactions}`);
  });

  it("asks for smaller pages if they do not arrive", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    for (let at = 0; at < 40; at += 1) bench.store.put(`/${at}`, "large");
    bench.store.answerKeysMax = 20;
    await using informer = bench.informer({ pageKeys: 64 });
    await bench.settled(informer.synced);
    expect(bench.store.ranges.map(({ limit }) => limit)).toEqual([64, 32, 16, 16, 16]);
    expect(informer.size).toBe(40);
  });

  it("tells what it missed as ordinary events when history was compacted while it was cut off", async () => {
    const bench = new InformerBench();
    const first = bench.store.fanout(1);
    for (const key of ["/again", "/changed", "/gone", "/same"]) bench.store.put(key, "1");
    await using informer = bench.informer();
    const events = informer.events();
    await bench.nextOnes(events, 4);
    bench.store.forget(first);
    bench.network.crash("fanout1");
    bench.store.delete("/again"); // revision 6
    bench.store.put("/changed", "2");
    bench.store.delete("/gone");
    bench.store.put("/again", "2");
    bench.store.put("/brief", "x");
    bench.store.delete("/brief"); // 11
    bench.store.compact();
    bench.store.fanout(2);
    bench.store.put("/after", "3");
    const told = await bench.nextOnes(events, 5);
    expect(told).toEqual(["-/gone=1@12", "+/after=3@12", "-/again=1@8", "+/again=2@9", "~/changed=1>2@7"]);
    bench.store.put("/same", "2");
    expect(await bench.next(events)).toBe("~/same=1>2@13");
  });

  it("goes on with another fan-out without a list if history is still there", async () => {
    const bench = new InformerBench();
    const first = bench.store.fanout(1);
    bench.store.put("/a", "1");
    await using informer = bench.informer();
    const events = informer.events();
    await bench.next(events);
    await bench.settled(informer.waitFor(2));
    bench.store.forget(first);
    bench.network.crash("fanout1");
    bench.store.delete("/a");
    bench.store.put("/a", "2");
    bench.store.fanout(2);
    expect(await bench.nextOnes(events, 2)).toEqual(["-/a=1@3", "+/a=2@4"]);
    expect(bench.store.ranges).toHaveLength(1);
  });

  it("shows transactions whole, even to who has heard only of their first change", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    await using informer = bench.informer();
    const events = informer.events();
    await bench.settled(informer.synced);
    bench.store.commit({ "/a": "1", "/b": "1" });
    expect(await bench.next(events)).toBe("+/a=1@2");
    expect(contentOf(informer)).toEqual({ "/a": "1", "/b": "1" });
  });

  it("keeps trying while the cluster is unavailable", async () => {
    const bench = new InformerBench();
    bench.store.put("/a", "1");
    bench.network.faults.cutOneWay("client", "gateway");
    await using informer = bench.informer();
    await bench.pass(5000);
    expect(informer.revision).toBe(0);
    bench.network.faults.mendOneWay("client", "gateway");
    await bench.settled(informer.synced);
    expect(contentOf(informer)).toEqual({ "/a": "1" });
  });
});

describe("Informer.waitFor", () => {
  it("lets a writer read its own write, of whatever key", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    await using informer = bench.informer();
    await bench.settled(informer.waitFor(1)); // before the first list
    await bench.settled(informer.waitFor(bench.store.put("/a", "1")));
    expect(informer.get("/a")?.value).toBe("1");
    await bench.settled(informer.waitFor(bench.store.put("other", "1"))); // no event tells of it
    expect(informer.revision).toBe(3);
  });

  it("waits as long as its fan-out is gone or behind, and asks for no more than one answer at a time", async () => {
    const bench = new InformerBench();
    const first = bench.store.fanout(1);
    await using informer = bench.informer();
    await bench.settled(informer.synced);
    bench.store.forget(first); // hears nothing more, and goes on answering
    const revision = bench.store.put("/a", "1");
    let isReached = false;
    const waiting = informer.waitFor(revision).then(() => (isReached = true));
    await bench.pass(3000);
    bench.network.crash("fanout1");
    await bench.pass(30_000);
    expect(isReached).toBe(false);
    const second = bench.store.fanout(2);
    await bench.settled(waiting);
    expect(informer.get("/a")?.value).toBe("1");
    const { controls } = second;
    await bench.pass(10_000);
    expect(second.controls - controls).toBeLessThan(15); // heartbeats, and nobody asks for progress any more
  });

  it("rejects with its signal's reason, and with what ends the informer", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    const informer = bench.informer();
    const abort = new AbortController();
    const failures = [informer.waitFor(9, { signal: abort.signal }), informer.waitFor(9)].map((waiting) =>
      waiting.catch(String),
    );
    await bench.settled(informer.synced);
    abort.abort(new Error("no more patience"));
    expect(await bench.settled(failures[0]!)).toBe("Error: no more patience");
    await informer.close();
    expect(await bench.settled(failures[1]!)).toBe("QuorateError: the informer was closed");
    await expect(informer.waitFor(9)).rejects.toMatchObject({ code: "CANCELLED" });
    await informer.waitFor(1);
  });
});

describe("Informer, given a value that its decoder refuses", () => {
  it("tells of that key alone, holds it no longer, and takes it back once it is valid", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    bench.store.put("/a", "1");
    bench.store.put("/b", "?");
    await using informer = bench.informer();
    const events = informer.events();
    bench.store.put("/c", "?");
    expect(await bench.nextOnes(events, 3)).toEqual(["+/a=1@2", "!/b=@3", "!/c=@4"]);
    bench.store.put("/a", "?");
    bench.store.put("/b", "2");
    bench.store.delete("/c");
    bench.store.put("/d", "4");
    expect(await bench.nextOnes(events, 4)).toEqual(["!/a=1@5", "+/b=2@6", "-/c=@7", "+/d=4@8"]);
    expect(contentOf(informer)).toEqual({ "/b": "2", "/d": "4" });
    expect(informer.get("/a")).toBeUndefined();
    expect(informer.look("/a")).toMatchObject({ isValid: false, modRevision: 5 });
    expect([...informer.invalid()]).toMatchObject([
      { keyText: "/a", modRevision: 5, error: new TypeError("what?") },
    ]);
  });
});

describe("Informer.events", () => {
  it("begins with what is held, for each listener", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    bench.store.put("/a", "1");
    await using informer = bench.informer();
    const early = informer.events();
    await bench.settled(informer.synced);
    bench.store.put("/a", "2");
    await bench.settled(informer.waitFor(3));
    const late = informer.events();
    bench.store.put("/b", "3");
    expect(await bench.nextOnes(early, 3)).toEqual(["+/a=1@2", "~/a=1>2@3", "+/b=3@4"]);
    expect(await bench.nextOnes(late, 2)).toEqual(["+/a=2@3", "+/b=3@4"]);
  });

  it("joins the changes of a key for a listener that is far behind, and holds up nothing", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    await using informer = bench.informer({ pendingMax: 2 });
    const events = informer.events();
    await bench.settled(informer.synced);
    for (let at = 0; at < 100; at += 1) bench.store.put("/a", `${at}`); // revisions 2 to 101
    bench.store.put("/b", "brief");
    bench.store.delete("/b");
    bench.store.put("/c", "1");
    bench.store.delete("/a");
    bench.store.put("/a", "again"); // 106
    await bench.settled(informer.waitFor(bench.store.revision));
    expect(contentOf(informer)).toEqual({ "/a": "again", "/c": "1" });
    expect(await bench.nextOnes(events, 5)).toEqual([
      ...["+/a=0@2", "~/a=0>1@3"], // one by one
      ...["-/a=1@105", "+/a=again@106", "+/c=1@104"], // and what has become of them
    ]);
    bench.store.put("/c", "2");
    expect(await bench.next(events)).toBe("~/c=1>2@107");
  });

  it("ends with its loop, its informer and its client", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    bench.store.put("/a", "1");
    const informer = bench.informer();
    await bench.settled(informer.synced);
    const [left, waiting] = [informer.events(), informer.events()];
    for await (const event of left) {
      expect(event.type).toBe("added");
      break;
    }
    expect(await bench.next(left)).toBe("end");
    await bench.next(waiting);
    const last = waiting.next();
    await bench.settled(bench.client.close());
    expect(await bench.settled(last)).toEqual({ done: true, value: undefined });
    expect(informer.isEnded).toBe(true);
    expect(informer.get("/a")?.value).toBe("1");
    expect(await bench.nextOnes(informer.events(), 2)).toEqual(["+/a=1@2", "end"]);
    expect(() => bench.informer()).toThrow("closed");
  });

  it("is over at once where the signal was aborted before", async () => {
    const bench = new InformerBench();
    const informer = bench.informer({ signal: AbortSignal.abort() });
    expect(informer.isEnded).toBe(true);
    await expect(informer.synced).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("throws once what has ended the informer: more keys than it may hold, in a list or later", async () => {
    const bench = new InformerBench();
    bench.store.fanout(1);
    for (const key of ["/a", "/b"]) bench.store.put(key, "1");
    const small = bench.informer({ keysMax: 1 });
    await expect(bench.settled(small.synced)).rejects.toBeInstanceOf(InformerFullError);
    const informer = bench.informer({ keysMax: 2 });
    const events = informer.events();
    await bench.nextOnes(events, 2);
    bench.store.put("/c", "1");
    expect(await bench.next(events)).toBe("+/c=1@4");
    await expect(bench.next(events)).rejects.toBeInstanceOf(InformerFullError);
    expect(await bench.next(events)).toBe("end");
  });
});
