import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { isOk, mayChange } from "../checkers/history";
import { SimulatedClient } from "./simulated-client";
import { SimulatedGateway } from "./simulated-gateway";
import { SimulatedMember } from "./simulated-member";

const IDS = [1n, 2n, 3n].map((id) => id as MemberId);
/** A tenth of it is a tick. */
const ELECTION_TIMEOUT_MS = 1000;

// Goal: a leader whose disk hangs does not keep the cluster from serving. Method: three members on simulated disks, of which some
// begin to take minutes for a sync, while a client goes on writing.
class Scene {
  readonly #time = new VirtualTime();
  readonly #members: readonly SimulatedMember[];
  readonly #client: SimulatedClient;
  readonly #stalled = new Set<string>();

  constructor(seed: number) {
    const time = this.#time;
    const prng = seededPrng(seed);
    const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng });
    const subjects = new Subjects(parseClusterName("sim"));
    const configuration = { incoming: IDS, outgoing: [], learners: [] };
    const stalled = this.#stalled;
    const logSpeedOf = (name: string) => ({
      turnMsMax: 2,
      get stallChance() {
        return stalled.has(name) ? 1 : 0;
      },
      stallMsMax: 10 * 60_000,
    });
    this.#members = IDS.map((memberId, at) => {
      const name = `n${at + 1}`;
      return new SimulatedMember(
        {
          name,
          memberId,
          clusterId: 0xc1n,
          configuration,
          logSpeed: logSpeedOf(name),
          applySpeed: { turnMsMax: 2, stallChance: 0, stallMsMax: 0 },
          cacheBytesMax: 1024 * 1024,
          autoCompaction: undefined,
          logKeepEntries: 5000,
          logKeepBytesMax: 1024 * 1024,
          snapshotChunkBytes: 512 * 1024,
          quota: { quotaBytes: Infinity, alarmClearing: "auto" },
          mixesBuilds: false,
          strictAnchor: false,
        },
        {
          time,
          prng,
          network,
          subjects,
          applied: () => undefined,
          spaceAlarm: () => undefined,
          damaged: () => undefined,
        },
      );
    });
    const gateway = new SimulatedGateway(
      { id: 1n, timeoutMs: 3000 },
      { time, subjects, transport: network.connect("g1") },
    );
    this.#client = new SimulatedClient(
      { number: 1, keys: ["a"], thinkMsMax: 20, mix: "register" },
      { time, prng, gateway },
    );
    for (const member of this.#members) member.start();
    this.#client.start();
  }

  run(durationMs: number): void {
    this.#time.advance(durationMs);
  }

  /** The one that others follow. */
  get leader(): MemberId {
    const votes = this.#members.map((member) => member.node!.status().leader);
    return votes.find((vote, at) => vote !== undefined && votes.indexOf(vote) !== at)!;
  }

  stall(...ids: readonly MemberId[]): void {
    for (const { id, name } of this.#members) if (ids.includes(id)) this.#stalled.add(name);
  }

  /** Writes acknowledged so far. */
  get written(): number {
    return this.#client.operations.filter((operation) => mayChange(operation.request) && isOk(operation))
      .length;
  }
}

describe("a leader whose disk hangs", () => {
  it.each([1, 2, 3])("hands over to one whose disk works, and writes go on (seed %i)", (seed) => {
    const scene = new Scene(seed);
    scene.run(10 * ELECTION_TIMEOUT_MS);
    const before = scene.leader;
    expect(scene.written).toBeGreaterThan(10);

    scene.stall(before);
    scene.run(3 * ELECTION_TIMEOUT_MS);
    expect(scene.leader).not.toBe(before);
    const written = scene.written;
    scene.run(5 * ELECTION_TIMEOUT_MS);
    expect(scene.written).toBeGreaterThan(written + 10);
  });

  it.each([1])("stays, if no disk is better than its own (seed %i)", (seed) => {
    const scene = new Scene(seed);
    scene.run(10 * ELECTION_TIMEOUT_MS);
    const before = scene.leader;
    scene.stall(...IDS);
    scene.run(10 * ELECTION_TIMEOUT_MS);
    expect(scene.leader).toBe(before);
  });
});
