import { VirtualTime } from "@quorate/actor";
import { seededPrng, type Clock } from "@quorate/base";
import { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { QuorateClient } from "../quorate-client";
import { MemoryCluster } from "./memory-cluster";

/** Clients of one cluster in memory, in virtual time. */
export class RecipeBench {
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork({}, { clock: this.time, scheduler: this.time, prng: seededPrng(1) });
  readonly cluster = new MemoryCluster({
    transport: this.network.connect("cluster"),
    subjects: new Subjects(parseClusterName("test")),
    clock: this.time,
  });
  #ids = 100n;

  client(name: string, options: { readonly clock?: Clock; readonly timeoutMs?: number } = {}): QuorateClient {
    return new QuorateClient(
      { cluster: "test", timeoutMs: options.timeoutMs ?? 1000 },
      {
        transport: this.network.connect(name),
        clock: options.clock ?? this.time,
        scheduler: this.time,
        randomId: () => (this.#ids += 1n),
      },
    );
  }

  /** Lets time pass until the promise has settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => void (isDone = true);
    promise.then(done, done);
    for (let turn = 0; turn < 60_000 && !isDone; turn += 1) {
      await turnOfPromises();
      if (!isDone) this.time.advance(1);
    }
    if (!isDone) throw new Error("It has not settled within a minute");
    return promise;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1) {
      await turnOfPromises();
      this.time.advance(1);
    }
  }
}

/** Long enough for a chain of promises to come to where it waits for time. */
async function turnOfPromises(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}
