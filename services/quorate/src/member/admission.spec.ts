import { systemClock, systemScheduler } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { Member } from "@quorate/client";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { admitFounder, admitJoining, answerFounders, type Admission } from "./admission";
import { foundedClusterId, founderId } from "./member-ids";
import { StoredMemberError } from "./stored-member-error";

const TOKEN = "c1";
const FOUNDERS = ["a", "b", "c"].map((name) => ({ name, peerUrls: [`http://${name}:1`] }));
const [A, B, C] = FOUNDERS.map(({ peerUrls }) => founderId(peerUrls, TOKEN)) as [bigint, bigint, bigint];
const CLUSTER = foundedClusterId([A, B, C]);

/** The others, and what the cluster says, as the spec wants them. */
class Bench {
  readonly #network = new MemoryNetwork(
    {},
    { clock: systemClock, scheduler: systemScheduler, prng: seededPrng(1) },
  );
  readonly #subjects = new Subjects(parseClusterName(TOKEN));
  members: Member[] | undefined;
  asked = 0;

  present(id: bigint, hasRun: boolean): void {
    answerFounders(id, () => hasRun, { transport: this.#network.connect(`${id}`), subjects: this.#subjects });
  }

  serves(
    ...members: readonly {
      readonly id: bigint;
      readonly name?: string;
      readonly hasRun: boolean;
      readonly peerUrl?: string;
    }[]
  ): void {
    this.members = members.map(({ id, name, hasRun, peerUrl }) => ({
      id,
      name: name ?? "",
      isLearner: false,
      peerUrls: FOUNDERS.find(({ peerUrls }) => founderId(peerUrls, TOKEN) === id)?.peerUrls ?? [
        peerUrl ?? "http://new:1",
      ],
      clientUrls: hasRun ? ["http://client:1"] : [],
    }));
  }

  /** What becomes of `a`, which has no data. */
  found(): Promise<Admission> {
    return admitFounder(
      { name: "a", peerUrls: ["http://a:1"], founders: FOUNDERS, token: TOKEN },
      this.#around(),
    );
  }

  join(peerUrl: string): Promise<Admission> {
    return admitJoining(
      { name: "new", peerUrls: [peerUrl], founders: FOUNDERS, token: TOKEN },
      this.#around(),
    );
  }

  /** Until it has asked for the members so often: it does not decide meanwhile. */
  async untilAsked(times: number): Promise<void> {
    while (this.asked < times) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #around() {
    return {
      cluster: {
        members: async () => {
          this.asked += 1;
          return this.members;
        },
        clusterId: async () => CLUSTER,
      },
      transport: this.#network.connect("a"),
      subjects: this.#subjects,
      logger: SILENT_LOGGER,
    };
  }
}

const FOUNDED: Admission = { memberId: A, clusterId: CLUSTER, origin: "founder" };

describe("a founder without data", () => {
  it("founds the cluster once a majority is there that has nothing either", async () => {
    const bench = new Bench();
    const admission = bench.found();
    await bench.untilAsked(3);
    bench.present(B, false);
    expect(await admission).toEqual(FOUNDED);
  });

  it("does not while one of them has something, until the cluster says that it has never run", async () => {
    const bench = new Bench();
    bench.present(B, true);
    bench.present(C, false);
    let isDecided = false;
    const admission = bench.found().finally(() => (isDecided = true));
    await bench.untilAsked(4);
    expect(isDecided).toBe(false);
    bench.serves({ id: A, hasRun: false }, { id: B, hasRun: true }, { id: C, hasRun: true });
    expect(await admission).toEqual(FOUNDED);
  });

  it("is refused if it has run before", async () => {
    const bench = new Bench();
    bench.serves({ id: A, name: "a", hasRun: true }, { id: B, hasRun: true }, { id: C, hasRun: true });
    await expect(bench.found()).rejects.toThrow(StoredMemberError);
    await expect(bench.found()).rejects.toThrow(/has voted and acknowledged what is now lost/);
  });

  it("joins if it was removed and added again, by whatever state it is told", async () => {
    const bench = new Bench();
    bench.serves({ id: B, hasRun: true }, { id: 7n, hasRun: false, peerUrl: "http://a:1" });
    expect(await bench.found()).toEqual({ memberId: 7n, clusterId: CLUSTER, origin: "joined" });
    bench.serves({ id: B, hasRun: true }, { id: 7n, hasRun: true, peerUrl: "http://a:1" });
    await expect(bench.found()).rejects.toThrow(/has voted and acknowledged what is now lost/);
  });

  it("is refused if it was removed", async () => {
    const bench = new Bench();
    bench.serves({ id: B, hasRun: true }, { id: C, hasRun: true });
    await expect(bench.found()).rejects.toThrow("the cluster runs, and does not know it");
  });
});

describe("a member that joins", () => {
  it("is the one that was added with its peer URLs, once the cluster serves", async () => {
    const bench = new Bench();
    const admission = bench.join("http://new:1");
    await bench.untilAsked(2);
    bench.serves({ id: A, hasRun: true }, { id: 77n, hasRun: false });
    expect(await admission).toEqual({ memberId: 77n, clusterId: CLUSTER, origin: "joined" });
  });

  it("is refused if nobody has added it, or it has run before", async () => {
    const bench = new Bench();
    bench.serves({ id: A, hasRun: true });
    await expect(bench.join("http://new:1")).rejects.toThrow("etcdctl member add new --learner");
    bench.serves({ id: A, hasRun: true }, { id: 77n, hasRun: true });
    await expect(bench.join("http://new:1")).rejects.toThrow("Remove it from the cluster");
  });
});
