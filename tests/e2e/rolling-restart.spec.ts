import type { etcdserverpb } from "@quorate/wire";

import { EndpointsClient } from "../harness/endpoints-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { HttpCaller } from "../harness/http-caller";
import { MemberCluster } from "../harness/member-cluster";
import { WriteLoad } from "./write-load";

const WITHIN_MS = 60_000;
const PREFIX = "rolling/";

// Goal: members may be restarted one after the other under load, and nobody notices who tries the next endpoint when one is unavailable.
// Method: three `quorate member` processes, writers that begin at different ones, a watcher that resumes elsewhere; each member gets
// SIGTERM, and the next one only once it is ready again. A leadership that timed out instead of being handed over would show in the
// terms and in the logs; no time is measured.
describe("members that are restarted one after the other", () => {
  let members: MemberCluster;
  let addresses: readonly string[];
  /** What must not go on when a test has failed. */
  const running = new DisposableStack();
  const loads: WriteLoad[] = [];

  beforeAll(async () => {
    members = await MemberCluster.plan({ members: 3 });
    members.startFounders();
    addresses = members.plans.map(({ address }) => address);
    for (const name of members.founders) await ready(name);
  }, WITHIN_MS);

  afterAll(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    running.dispose();
    await members?.[Symbol.asyncDispose]();
  }, 30_000);

  const page = (name: string, path: string) => new HttpCaller(members.planOf(name).address).get(path);

  function ready(name: string): Promise<boolean> {
    return eventually(
      `${name} to be ready`,
      { withinMs: WITHIN_MS },
      async () => (await page(name, "/readyz")).status === 200,
    );
  }

  it("refuse nobody, lose nothing, hand over, and end with 0", async () => {
    const clients = addresses.map((_, first) =>
      running.adopt(new EndpointsClient(addresses, first), (client) => client.close()),
    );
    const [client] = clients;
    const before = Number((await client!.status()).raftTerm);
    loads.push(...clients.map((each, at) => new WriteLoad({ prefix: `${PREFIX}${at}/`, writers: 2 }, each)));
    const watcher = running.adopt(new ResumingWatcher(addresses, PREFIX), (each) => each.close());
    for (const name of members.founders) {
      for (const load of loads) await load.untilAcknowledged(20, WITHIN_MS);
      const ending = members.stop(name);
      await eventually(`${name} to say that it ends`, { withinMs: WITHIN_MS }, async () => {
        const { status, text } = await page(name, "/readyz");
        return status === 503 && text.includes("[-]not_stopping failed");
      });
      expect(await ending).toBe(0);
      for (const load of loads) await load.untilAcknowledged(20, WITHIN_MS);
      members.start(name);
      await ready(name);
    }
    for (const load of loads) await load.stop();

    expect(loads.flatMap(({ failed }) => failed)).toEqual([]);
    for (const load of loads) expect(await load.violations()).toEqual([]);
    const written = loads.flatMap(({ acknowledged }) => acknowledged.map(({ key }) => key));
    await watcher.until(written.length);
    expect(watcher.keys.toSorted()).toEqual(written.toSorted());

    const logs = members.founders.map((name) => `${members.earlierLogOf(name)}${members.logOf(name)}`);
    const handedOver = logs.join("").split("handed the leadership over").length - 1;
    expect(handedOver).toBeGreaterThanOrEqual(1);
    expect(logs.join("")).not.toContain("nobody has taken the leadership over");
    expect(Number((await client!.status()).raftTerm)).toBe(before + handedOver);
    console.log(
      `handed over ${handedOver} times; ${written.length} writes, ${clients.flatMap(({ retries }) => retries).length} tried at another ` +
        `endpoint, longest gap ${Math.max(...loads.map((load) => load.longestGapMs())).toFixed(0)} ms`,
    );
  }, 180_000);

  it("end at once when they are asked a second time, with everything that they have acknowledged", async () => {
    const [last] = members.founders.slice(-1);
    members.signal(last!, "SIGTERM");
    await eventually(`${last} to stop`, { withinMs: WITHIN_MS }, () =>
      members.logOf(last!).includes("stopping"),
    );
    // Signals of half a second count as one: whoever passes on what everybody has got must not do harm by it.
    await eventually(`${last} to end`, { withinMs: WITHIN_MS, everyMs: 100 }, () => {
      members.signal(last!, "SIGTERM");
      return members.hasEnded(last!);
    });
    expect(await members.ended(last!)).toBe(128 + 15);
    members.start(last!, "--shutdown-delay-ms", "0");
    await ready(last!);
    const client = new EndpointsClient([members.planOf(last!).address]);
    expect(
      (await client.range({ key: Buffer.from(PREFIX), rangeEnd: Buffer.from("s"), countOnly: true })).count,
    ).not.toBe(0);
    client.close();
  }, 120_000);
});

/** A watch of a prefix that goes on at the next endpoint, behind what it has seen, as etcd's clients do. */
class ResumingWatcher {
  readonly keys: string[] = [];
  #next = 1;
  #at = 0;
  #watch: EtcdWatch | undefined;
  #timer: NodeJS.Timeout;

  constructor(
    private readonly addresses: readonly string[],
    private readonly prefix: string,
  ) {
    this.#open();
    this.#timer = setInterval(() => {
      if (this.#watch?.ended !== undefined) this.#open();
    }, 20);
  }

  async until(count: number): Promise<void> {
    await eventually(`${count} events`, { withinMs: WITHIN_MS }, () => this.keys.length >= count);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watch?.close();
  }

  #open(): void {
    this.#watch?.close();
    const address = this.addresses[this.#at % this.addresses.length]!;
    this.#at += 1;
    const watch = new EtcdWatch(address, {}, (response) => {
      if (this.#watch === watch) this.#take(response);
    });
    this.#watch = watch;
    watch.create({
      key: Buffer.from(this.prefix),
      rangeEnd: Buffer.from(`${this.prefix}~`),
      startRevision: this.#next,
    });
  }

  #take({ events }: etcdserverpb.WatchResponse): void {
    for (const { kv } of events) {
      this.keys.push(Buffer.from(kv?.key ?? []).toString());
      this.#next = Number(kv?.modRevision) + 1;
    }
  }
}
