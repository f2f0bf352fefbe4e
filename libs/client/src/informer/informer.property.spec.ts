import { randomChance, randomInteger, seededPrng, type Prng } from "@quorate/base";
import type { ScriptedFanout } from "../testing/scripted-fanout";
import { InformerBench } from "../testing/informer-bench";
import type { Informer } from "./informer";
import type { InformerEvent } from "./informer-event";

const seed = process.env["QUORATE_SEED"];
const seeds = seed === undefined ? Array.from({ length: 40 }, (_, at) => at + 1) : [Number(seed)];

/** Plays one listener's events back and says what is wrong with them. */
class Listener {
  readonly keys = new Map<string, { readonly value: string; readonly modRevision: number } | "invalid">();
  readonly violations: string[] = [];
  readonly #revisions = new Map<string, number>();

  hear(event: InformerEvent<string>): void {
    const { keyText: key, type, revision } = event;
    const held = this.keys.get(key);
    if (revision <= (this.#revisions.get(key) ?? 0))
      this.violations.push(`${type} ${key} not after the last`);
    this.#revisions.set(key, revision);
    const old = "old" in event ? event.old?.modRevision : undefined;
    const known = held === "invalid" ? undefined : held?.modRevision;
    if (old !== known) this.violations.push(`${type} ${key}: old is ${old}, told was ${known}`);
    if (type === "deleted" ? held === undefined : type === "updated" && known === undefined)
      this.violations.push(`${type} ${key}, which was not there`);
    if (type === "deleted") this.keys.delete(key);
    else if (type === "invalid") this.keys.set(key, "invalid");
    else this.keys.set(key, event.new);
  }
}

/** Writes, compactions, and what befalls the fan-outs and the connections to them, as a seed will have it. */
class Schedule {
  #fanout: ScriptedFanout;
  #fanouts = 1;

  constructor(
    private readonly bench: InformerBench,
    private readonly prng: Prng,
  ) {
    this.#fanout = bench.store.fanout(1);
  }

  step(): void {
    const { store, network } = this.bench;
    const choice = randomInteger(this.prng, 0, 99);
    if (choice < 60) this.write();
    else if (choice < 68)
      store.compact(Math.max(store.compactRevision, store.revision - randomInteger(this.prng, 0, 8)));
    else if (choice < 74) {
      store.forget(this.#fanout);
      network.crash(`fanout${this.#fanouts}`);
      for (let more = randomInteger(this.prng, 0, 9); more > 0; more -= 1) this.write();
      if (randomChance(this.prng, 0.5)) store.compact();
      this.#fanouts += 1;
      this.#fanout = store.fanout(this.#fanouts);
    } else if (choice < 78) network.faults.cutOneWay(`fanout${this.#fanouts}`, "client");
    else if (choice < 82) network.faults.cutOneWay("client", "gateway");
    else if (choice < 90) this.heal();
  }

  write(): void {
    const changes: Record<string, string | undefined> = {};
    for (let count = randomInteger(this.prng, 0, 2); count >= 0; count -= 1) {
      const value = randomChance(this.prng, 0.1) ? "?" : `v${this.bench.store.revision}`;
      changes[`/${randomInteger(this.prng, 0, 11)}`] = randomChance(this.prng, 0.3) ? undefined : value;
    }
    this.bench.store.commit(changes);
  }

  /** Between the pages of a list. */
  afterRange(): void {
    this.write();
    if (randomChance(this.prng, 0.15)) this.bench.store.compact();
  }

  heal(): void {
    this.bench.network.faults.mendOneWay("client", "gateway");
    for (let at = 1; at <= this.#fanouts; at += 1)
      this.bench.network.faults.mendOneWay(`fanout${at}`, "client");
  }
}

let lists = 0;
let compactedLists = 0;

describe("Informer under writes, compactions, lost messages and lost fan-outs", () => {
  it.each(seeds)(
    "is at every moment the store at its revision, and tells every listener how it came there: seed %i",
    async (number) => {
      const bench = new InformerBench();
      const prng = seededPrng(number);
      const schedule = new Schedule(bench, prng);
      for (let at = 0; at < 10; at += 1) schedule.write();
      bench.store.afterRange = () => schedule.afterRange();
      await using informer = bench.informer({ pageKeys: 3, pendingMax: 5 });
      const prompt = new Listener();
      const slow = new Listener();
      const listening = (async () => {
        for await (const event of informer.events()) prompt.hear(event);
      })();
      const listeningSlowly = (async () => {
        for await (const event of informer.events()) {
          slow.hear(event);
          await new Promise<void>((resolve) => bench.time.setTimer(150, resolve));
        }
      })();
      let last = 0;
      for (let at = 0; at < 120; at += 1) {
        schedule.step();
        await bench.pass(randomChance(prng, 0.25) ? randomInteger(prng, 1, 2000) : 2);
        expect(informer.revision).toBeGreaterThanOrEqual(last);
        last = informer.revision;
        if (last > 0) expect(shown(informer)).toEqual(expected(bench, last));
      }
      schedule.heal();
      bench.store.afterRange = undefined;
      await bench.settled(informer.waitFor(bench.store.revision));
      expect(shown(informer)).toEqual(expected(bench, bench.store.revision));
      lists += bench.store.ranges.filter(({ revision }) => revision === 0).length;
      compactedLists += bench.store.refused;
      await informer.close();
      await bench.settled(listening);
      await bench.settled(listeningSlowly);
      for (const listener of [prompt, slow]) {
        expect(listener.violations).toEqual([]);
        expect(
          [...listener.keys].map(([key, held]) => [key, held === "invalid" ? "?" : held.value]).sort(),
        ).toEqual([...bench.store.at(bench.store.revision)].map(([key, { value }]) => [key, value]).sort());
      }
    },
    60_000,
  );

  it("has met what it is about: new lists after compaction, and lists that were compacted themselves", () => {
    if (seed !== undefined) return;
    expect(lists).toBeGreaterThan(2 * seeds.length);
    expect(compactedLists).toBeGreaterThan(seeds.length / 4);
  });
});

function shown(informer: Informer<string>): string[] {
  const valid = Array.from(
    informer.entries(),
    ({ keyText, value, modRevision }) => `${keyText}=${value}@${modRevision}`,
  );
  const invalid = Array.from(informer.invalid(), ({ keyText, modRevision }) => `${keyText}=?@${modRevision}`);
  return [...valid, ...invalid].sort();
}

function expected(bench: InformerBench, revision: number): string[] {
  return Array.from(
    bench.store.at(revision),
    ([key, { value, modRevision }]) => `${key}=${value}@${modRevision}`,
  ).sort();
}
