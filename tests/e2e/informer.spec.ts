import { setTimeout as pause } from "node:timers/promises";

import { prefix, QuorateClient, QuorateError, type Informer, type InformerEvent } from "@quorate/client";

import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";

const recoveryMaxMs = 30_000;
const objects = prefix("/objects/");

/** Puts and deletes of forty keys, by so many writers, until told to stop. What fails may have happened or not. */
class ChangingObjects {
  written = 0;
  readonly #writers: readonly Promise<void>[];
  #stopped = false;

  constructor(options: { readonly writers: number }, client: QuorateClient) {
    this.#writers = Array.from({ length: options.writers }, (_, writer) => this.#write(writer, client));
  }

  async until(count: number): Promise<void> {
    const target = this.written + count;
    await eventually(`${count} more writes`, { withinMs: recoveryMaxMs }, () => this.written >= target);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#writers);
  }

  async #write(writer: number, client: QuorateClient): Promise<void> {
    for (let count = 0; !this.#stopped; count += 1) {
      const key = `/objects/${(writer * 7 + count * 3) % 40}`;
      try {
        if (count % 5 === 4) await client.delete(key, { timeoutMs: 2000 });
        else await client.put(key, JSON.stringify({ writer, count }), { timeoutMs: 2000 });
        this.written += 1;
      } catch (error) {
        if (!(error instanceof QuorateError)) throw error;
        await pause(20); // lets the others through
      }
    }
  }
}

/** What a listener holds that believes its events, and where these contradict each other. */
class Listener {
  readonly held = new Map<string, number>();
  readonly contradictions: string[] = [];
  events = 0;

  async listen(informer: Informer<unknown>): Promise<void> {
    for await (const event of informer.events()) this.#hear(event);
  }

  #hear(event: InformerEvent<unknown>): void {
    this.events += 1;
    const { keyText, type } = event;
    const old = "old" in event ? event.old?.modRevision : undefined;
    if (old !== this.held.get(keyText)) this.contradictions.push(`${type} ${keyText} from ${old}`);
    if (type === "deleted") this.held.delete(keyText);
    else this.held.set(keyText, event.new.modRevision);
  }
}

// Goal: an informer shows what the store holds, whatever is killed behind it, also if history is compacted meanwhile.
// Method: at random moments under writes the cache is compared with a read of the store at the cache's revision.
describe("an informer over a cluster of real processes", () => {
  let cluster: QuorateCluster;
  let client: QuorateClient;
  let informer: Informer<unknown>;
  let listening: Promise<void>;
  const listener = new Listener();

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, fanouts: 2 });
    client = await QuorateClient.connect({ servers: cluster.brokerUrl, cluster: cluster.name });
    informer = client.informer(objects, { decode: (keyValue) => keyValue.json(), pageKeys: 7 });
    listening = listener.listen(informer);
    await informer.synced;
  }, 60_000);

  afterAll(async () => {
    await client?.close();
    await listening;
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  const cached = (): string[] =>
    Array.from(informer.entries(), ({ keyText, modRevision }) => `${keyText}@${modRevision}`).sort();

  /** `undefined` if the cache's revision cannot be read any more, or nobody answers now. */
  async function differsNow(): Promise<boolean | undefined> {
    const { revision } = informer;
    const shown = cached();
    try {
      const { keyValues } = await client.range(objects, { revision, timeoutMs: 1000 });
      const stored = keyValues.map(({ keyText, modRevision }) => `${keyText}@${modRevision}`).sort();
      return JSON.stringify(shown) !== JSON.stringify(stored);
    } catch (error) {
      if (error instanceof QuorateError) return undefined;
      throw error;
    }
  }

  async function surviving(fault: (load: ChangingObjects) => Promise<void>): Promise<void> {
    const load = new ChangingObjects({ writers: 6 }, client);
    let isOver = false;
    let comparisons = 0;
    let differences = 0;
    const comparing = (async () => {
      while (!isOver) {
        const differs = await differsNow();
        if (differs === true) differences += 1;
        if (differs === false) comparisons += 1;
        await pause(20);
      }
    })();
    await load.until(150);
    await fault(load);
    await load.until(150);
    await load.stop();
    isOver = true;
    await comparing;
    expect(differences).toBe(0);
    expect(comparisons).toBeGreaterThan(5);

    const { revision } = await client.put("elsewhere", ""); // of no key of its own: it has to ask
    await informer.waitFor(revision, { signal: AbortSignal.timeout(recoveryMaxMs) });
    expect(informer.revision).toBeGreaterThanOrEqual(revision);
    expect(await differsNow()).toBe(false);
    expect(listener.contradictions).toEqual([]);
    expect(Array.from(listener.held, ([key, modRevision]) => `${key}@${modRevision}`).sort()).toEqual(
      cached(),
    );
    expect(informer.size).toBeGreaterThan(0);
    process.stderr.write(
      `${comparisons} comparisons, ${load.written} writes, ${listener.events} events so far\n`,
    );
  }

  it("shows what the store holds when the leader is killed", async () => {
    const leader = await leaderOf(cluster, recoveryMaxMs);
    await surviving(() => cluster.tell("kill", leader));
    await cluster.tell("start", leader);
  }, 90_000);

  it("shows what the store holds when its fan-outs are killed and come back", async () => {
    await surviving(async () => {
      for (const name of ["fanout1", "fanout2"]) await cluster.tell("kill", name);
      for (const name of ["fanout1", "fanout2"]) await cluster.tell("start", name);
    });
  }, 90_000);

  it("shows what the store holds when the broker is killed and comes back", async () => {
    await surviving(async () => {
      await cluster.tell("kill", "broker1");
      await cluster.tell("start", "broker1");
    });
  }, 90_000);

  it("reads again and tells the difference when what it missed has been compacted", async () => {
    await surviving(async (load) => {
      for (const name of ["fanout1", "fanout2"]) await cluster.tell("kill", name);
      const { revision: missedFrom } = informer;
      await load.until(100);
      const { revision } = await client.delete("nothing");
      await client.compact(revision);
      expect(informer.revision).toBeLessThan(revision - 50);
      for (const name of ["fanout1", "fanout2"]) await cluster.tell("start", name);
      // What the informer would have been told next is not to be had any more.
      const watch = client.watch(objects, { fromRevision: missedFrom + 1 });
      await expect(watch.next()).rejects.toThrow("compacted");
    });
  }, 90_000);
});
