import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import type { Informer, InformerOptions } from "../informer/informer";
import type { InformerEvent } from "../informer/informer-event";
import type { InformerEvents } from "../informer/informer-events";
import { prefix } from "../key-range";
import { QuorateClient } from "../quorate-client";
import { ScriptedStore } from "./scripted-store";

/** A store, a client, and time that passes when told, for specs of informers. */
export class InformerBench {
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork({}, { clock: this.time, scheduler: this.time, prng: seededPrng(1) });
  readonly store = new ScriptedStore({
    network: this.network,
    subjects: new Subjects(parseClusterName("test")),
  });
  #ids = 100n;
  readonly client = new QuorateClient(
    { cluster: "test", timeoutMs: 1000 },
    {
      transport: this.network.connect("client"),
      clock: this.time,
      scheduler: this.time,
      randomId: () => (this.#ids += 1n),
    },
  );

  /** Over all keys that begin with `/`; values are text, and one that is `?` cannot be decoded. */
  informer(options: Partial<InformerOptions<string>> = {}): Informer<string> {
    return this.client.informer(prefix("/"), {
      decode: ({ text }) => {
        if (text === "?") throw new TypeError("what?");
        return text;
      },
      ...options,
    });
  }

  /** In small steps, so that what waits for promises between two timers gets its turn. */
  async pass(ms: number): Promise<void> {
    const stepMs = ms > 100 ? 10 : 1;
    for (let passed = 0; passed < ms; passed += stepMs) {
      await promisesSettled();
      this.time.advance(stepMs);
    }
    await promisesSettled();
  }

  /** Lets time pass until the promise has settled, a minute at most. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => void (isDone = true);
    promise.then(done, done);
    for (let turn = 0; turn < 60_000 && !isDone; turn += 1) {
      await promisesSettled();
      if (!isDone) this.time.advance(1);
    }
    if (!isDone) throw new Error("It has not settled within a minute");
    return promise;
  }

  /** The next event in short: `+/a=1@2`, `~/a=1>2@3`, `-/a=2@4`, `!/a=2@5`, or `end`. */
  async next<T>(events: InformerEvents<T>): Promise<string> {
    const { value } = await this.settled(events.next());
    return value === undefined ? "end" : shortly(value);
  }

  /** Whatever there is to be told now. */
  async nextOnes<T>(events: InformerEvents<T>, count: number): Promise<string[]> {
    const told: string[] = [];
    while (told.length < count) told.push(await this.next(events));
    return told;
  }
}

/** Long enough for a chain of promises to come to where it waits for time. */
async function promisesSettled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

function shortly<T>(event: InformerEvent<T>): string {
  const { keyText, revision } = event;
  const old = "old" in event && event.old !== undefined ? String(event.old.value) : "";
  switch (event.type) {
    case "added":
      return `+${keyText}=${String(event.new.value)}@${revision}`;
    case "updated":
      return `~${keyText}=${old}>${String(event.new.value)}@${revision}`;
    case "deleted":
      return `-${keyText}=${old}@${revision}`;
    case "invalid":
      return `!${keyText}=${old}@${revision}`;
  }
}
