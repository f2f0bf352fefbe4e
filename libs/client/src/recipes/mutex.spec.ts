import type { VirtualTime } from "@quorate/actor";
import type { Clock, Timer } from "@quorate/base";
import { QuorateError } from "../errors";
import { operation } from "../transaction";
import { RecipeBench } from "../testing/recipe-bench";
import { ClaimLostError } from "./claim";

/** Goes on, but its timers do not run once the process is frozen: what arrives is seen first afterwards. */
class FreezableClock implements Clock {
  #isFrozen = false;

  constructor(private readonly time: VirtualTime) {}

  freeze(): void {
    this.#isFrozen = true;
  }

  now(): number {
    return this.time.now();
  }

  setTimer(delayMs: number, task: () => void): Timer {
    return this.time.setTimer(delayMs, () => {
      if (!this.#isFrozen) task();
    });
  }
}

describe("Mutex", () => {
  it("keeps etcd's layout of keys: the name, a slash and the lease's id in hexadecimal", async () => {
    const bench = new RecipeBench();
    const lock = await bench.settled(bench.client("a").mutex("jobs").lock());
    expect(lock.keyText).toBe("jobs/a1");
    expect(lock.leaseId).toBe(0xa1n);
    expect(bench.cluster.keys).toEqual(["jobs/a1"]);
    await bench.settled(lock.unlock());
    expect([bench.cluster.keys, bench.cluster.leases]).toEqual([[], []]);
  });

  it("lets contenders in one at a time, in the order they came, with rising fencing tokens", async () => {
    const bench = new RecipeBench();
    const log: string[] = [];
    const tokens: number[] = [];
    const contend = async (name: string): Promise<void> => {
      const mutex = bench.client(name).mutex("jobs");
      for (let round = 0; round < 3; round += 1) {
        await using lock = await mutex.lock();
        tokens.push(lock.fencingToken);
        log.push(`${name} in`);
        await new Promise<void>((resolve) => bench.time.setTimer(50, resolve));
        log.push(`${name} out`);
      }
    };
    await bench.settled(Promise.all(["a", "b", "c"].map(contend)));
    expect(log.slice(0, 6)).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
    for (let at = 0; at < log.length; at += 2) expect(log[at]).toBe(log[at + 1]!.replace("out", "in"));
    expect(log).toHaveLength(18);
    expect(tokens).toEqual([...tokens].sort((one, other) => one - other));
    expect(new Set(tokens).size).toBe(9);
  });

  it("wakes only the next in line", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    const first = await bench.settled(client.mutex("jobs").lock());
    const others = [client.mutex("jobs").lock(), client.mutex("jobs").lock()];
    await bench.pass(100);
    const second = bench.cluster.leases[1]!;
    bench.cluster.revoke(second); // its successor must not take the lead for that
    let isThirdIn = false;
    void others[1]!.then(() => (isThirdIn = true));
    await bench.pass(100);
    expect(isThirdIn).toBe(false);
    await bench.settled(first.unlock());
    await bench.settled(others[1]!);
    await expect(bench.settled(others[0]!)).rejects.toBeInstanceOf(ClaimLostError);
  });

  it("takes a contender out of the line when it gives up", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    const first = await bench.settled(client.mutex("jobs").lock());
    const abort = new AbortController();
    const waiting = client.mutex("jobs").lock({ signal: abort.signal });
    await bench.pass(100);
    expect(bench.cluster.keys).toHaveLength(2);
    abort.abort(new Error("enough"));
    const error = await bench.settled(waiting).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(QuorateError);
    expect(error).toMatchObject({ code: "CANCELLED", outcome: "definite", cause: { message: "enough" } });
    expect(bench.cluster.keys).toEqual([first.keyText]);
    expect(bench.cluster.leases).toEqual([first.leaseId]);
    const never = client.mutex("jobs").lock({ signal: AbortSignal.abort() });
    await expect(bench.settled(never)).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("does not wait for a cluster that is gone when it gives up", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    await bench.settled(client.mutex("jobs").lock());
    const abort = new AbortController();
    const waiting = client.mutex("jobs").lock({ signal: abort.signal });
    await bench.pass(100);
    bench.network.faults.cut("a", "cluster");
    abort.abort();
    const from = bench.time.now();
    await expect(bench.settled(waiting)).rejects.toMatchObject({ code: "CANCELLED" });
    expect(bench.time.now() - from).toBeLessThan(1100);
  });

  it("tries without waiting, and leaves nothing behind where somebody else has it", async () => {
    const bench = new RecipeBench();
    const mutex = bench.client("a").mutex("jobs");
    const lock = await bench.settled(mutex.tryLock());
    expect(lock?.isHeld).toBe(true);
    expect(await bench.settled(mutex.tryLock())).toBeUndefined();
    expect(bench.cluster.keys).toEqual([lock!.keyText]);
  });

  it("asks again where an answer was lost, and finds what it did the first time", async () => {
    const bench = new RecipeBench();
    const mutex = bench.client("a").mutex("jobs");
    const locking = mutex.lock();
    bench.cluster.unanswered = 2;
    const lock = await bench.settled(locking);
    expect(bench.cluster.keys).toEqual([lock.keyText]);
    expect(lock.fencingToken).toBe(1 + 1); // the first attempt's revision, although only the third was answered
  });

  it("fails when nobody answers at all, rather than wait for ever", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    bench.network.faults.cut("a", "cluster");
    await expect(bench.settled(client.mutex("jobs").lock())).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
  });

  it("tells its holder when the lease is lost, and the guard then refuses what the holder still sends", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    const lock = await bench.settled(client.mutex("jobs", { ttlSeconds: 3 }).lock());
    const guarded = client.txn().if(lock.guard).then(operation.put("done", "a"));
    expect(await bench.settled(guarded.commit())).toMatchObject({ succeeded: true });
    bench.network.faults.cut("a", "cluster");
    await bench.pass(2900);
    expect(lock.lost.aborted).toBe(false);
    await bench.pass(200);
    expect(lock.lost.reason).toBeInstanceOf(ClaimLostError);
    expect(String(lock.lost.reason)).toContain("jobs/a1: its lease is lost");
    expect(lock.isHeld).toBe(false);

    const other = await bench.settled(bench.client("b").mutex("jobs").lock());
    bench.network.faults.mend("a", "cluster");
    expect(await bench.settled(guarded.commit())).toMatchObject({ succeeded: false });
    expect(other.fencingToken).toBeGreaterThan(lock.fencingToken);
    await bench.settled(lock.unlock());
    expect(other.isHeld).toBe(true);
  });

  it("tells its holder when somebody deletes the key", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    const lock = await bench.settled(client.mutex("jobs").lock());
    await bench.settled(bench.client("b").delete(lock.key));
    await bench.pass(10);
    expect(String(lock.lost.reason)).toContain("its key was deleted");
    await bench.settled(lock.unlock());
    expect(bench.cluster.leases).toEqual([]);
  });

  it("says nothing about a loss to a holder that unlocked", async () => {
    const bench = new RecipeBench();
    const lock = await bench.settled(bench.client("a").mutex("jobs").lock());
    await bench.settled(lock.unlock());
    await bench.settled(lock.unlock());
    await bench.pass(20_000);
    expect([lock.lost.aborted, lock.isHeld]).toEqual([false, false]);
  });

  it("does not give the lock to a contender whose lease ended while it waited", async () => {
    const bench = new RecipeBench();
    const holder = await bench.settled(bench.client("a").mutex("jobs", { ttlSeconds: 60 }).lock());
    const waiting = bench.client("b").mutex("jobs", { ttlSeconds: 3 }).lock();
    await bench.pass(100);
    bench.network.faults.cut("b", "cluster");
    const error = await bench.settled(waiting).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClaimLostError);
    expect(holder.isHeld).toBe(true);
  });

  it("does not believe an old answer after the process was frozen for longer than the TTL", async () => {
    const bench = new RecipeBench();
    const clock = new FreezableClock(bench.time);
    const client = bench.client("a", { clock, timeoutMs: 60_000 });
    const locking = client.mutex("jobs", { ttlSeconds: 3 }).lock();
    await bench.pass(1); // the lease is granted
    clock.freeze();
    bench.network.faults.setOneWay("cluster", "a", { delayMs: { min: 4000, max: 4000 } });
    const error = await bench.settled(locking).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClaimLostError);
    expect(String(error)).toContain("its lease ended before it was had");
  });

  it("goes on waiting where the history it waits for was compacted", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    const first = await bench.settled(client.mutex("jobs").lock());
    bench.cluster.compactsAfterBatch = true; // between a contender's look at the line and its watch
    const waiting = client.mutex("jobs").lock();
    await bench.pass(100);
    bench.cluster.compactsAfterBatch = false;
    await bench.settled(first.unlock());
    expect((await bench.settled(waiting)).isHeld).toBe(true);
  });

  it("does not take compacted history for the loss of the lock", async () => {
    const bench = new RecipeBench();
    bench.cluster.compactsAfterBatch = true; // between getting the lock and watching its key
    const lock = await bench.settled(bench.client("a").mutex("jobs").lock());
    await bench.pass(100);
    bench.cluster.compactsAfterBatch = false;
    await bench.pass(100);
    expect(lock.isHeld).toBe(true);
    bench.cluster.revoke(lock.leaseId);
    await bench.pass(10);
    expect(String(lock.lost.reason)).toContain("its key was deleted");
  });

  it("loses its locks with the client", async () => {
    const bench = new RecipeBench();
    const client = bench.client("a");
    const lock = await bench.settled(client.mutex("jobs").lock());
    await bench.settled(client.close());
    await bench.pass(10);
    expect(lock.lost.aborted).toBe(true);
    await bench.settled(lock.unlock());
  });
});
