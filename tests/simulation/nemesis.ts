import type { VirtualTime } from "@quorate/actor";
import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";
import type { MemoryNetwork } from "@quorate/transport";
import type { SimulatedMember } from "./simulated-member";

export interface NemesisDependencies {
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly network: MemoryNetwork;
  readonly members: readonly SimulatedMember[];
  /** Whether disks may lose the end of a log although it was synced. */
  readonly losesLogs: boolean;
  readonly gateways: readonly string[];
  /** What can crash without anything being lost: fan-outs and the gateways of watchers. */
  readonly watching: readonly Crashable[];
}

export interface Crashable {
  readonly name: string;
  readonly running: boolean;
  start(): void;
  crash(): void;
}

type Fault =
  | "crash"
  | "crash-all"
  | "crash-watching"
  | "isolate-watching"
  | "isolate"
  | "halves"
  | "one-way"
  | "disconnect"
  | "pause"
  | "weather";
const FAULTS: readonly Fault[] = [
  "crash",
  "crash-all",
  "crash-watching",
  "isolate-watching",
  "isolate",
  "halves",
  "one-way",
  "disconnect",
  "pause",
  "weather",
];

/** Does to the cluster what the seed says: which kinds of faults at all, when, to whom, for how long. */
export class Nemesis {
  readonly #kinds: readonly Fault[];
  readonly #quietMsMax: number;
  #stopped = false;
  #crashes = 0;
  #pauses = 0;
  #watchCrashes = 0;

  constructor(private readonly dependencies: NemesisDependencies) {
    const { prng } = dependencies;
    // A swarm: each seed has its own subset of faults, since some hide what others would show.
    this.#kinds = FAULTS.filter(() => randomChance(prng, 0.5));
    this.#quietMsMax = randomPick(prng, [500, 2000]);
    if (randomChance(prng, 0.7)) this.#weather();
  }

  get crashes(): number {
    return this.#crashes;
  }

  get pauses(): number {
    return this.#pauses;
  }

  get watchCrashes(): number {
    return this.#watchCrashes;
  }

  start(): void {
    if (this.#kinds.length > 0) this.#next();
  }

  /** Ends every fault. Members that are down stay down: starting them is the caller's. */
  stop(): void {
    this.#stopped = true;
    this.dependencies.network.faults.setEverywhere({
      delayMs: { min: 0, max: 1 },
      lossChance: 0,
      duplicateChance: 0,
      reorderChance: 0,
    });
    this.dependencies.network.heal();
    for (const member of this.dependencies.members) member.resume();
  }

  #next(): void {
    const { time, prng } = this.dependencies;
    time.setTimer(randomInteger(prng, 0, this.#quietMsMax), () => {
      if (this.#stopped) return;
      const end = this.#begin(randomPick(prng, this.#kinds));
      time.setTimer(randomInteger(prng, 100, 3500), () => {
        if (this.#stopped) return;
        end();
        this.#next();
      });
    });
  }

  /** @returns what ends the fault. */
  #begin(fault: Fault): () => void {
    const { network, prng, members } = this.dependencies;
    const victim = randomPick(
      prng,
      members.filter(({ started }) => started),
    );
    switch (fault) {
      case "crash":
        return this.#crash([victim]);
      case "crash-all":
        return this.#crash(members);
      case "crash-watching": {
        const watching = this.dependencies.watching.filter(
          (process) => process.running && randomChance(prng, 0.5),
        );
        for (const process of watching) process.crash();
        this.#watchCrashes += watching.length;
        return () => watching.forEach((process) => process.start());
      }
      case "isolate-watching": {
        const process = randomPick(prng, this.dependencies.watching).name;
        const from = this.#others([process]).filter(() => randomChance(prng, 0.6));
        return this.#cut([process], from);
      }
      case "isolate":
        return this.#cut([victim.name], this.#others([victim.name]));
      case "halves": {
        const left = this.#everyone().filter(() => randomChance(prng, 0.5));
        return this.#cut(left, this.#others(left));
      }
      case "one-way": {
        const others = this.#others([victim.name]);
        for (const other of others) network.faults.cutOneWay(victim.name, other);
        return () => others.forEach((other) => network.faults.mendOneWay(victim.name, other));
      }
      case "disconnect": {
        const { name } = randomPick(prng, [...members, ...this.dependencies.watching]);
        network.disconnect(name);
        return () => network.reconnect(name);
      }
      case "pause": {
        const frozen = randomChance(prng, 0.5) ? this.#leaders() : [victim];
        for (const member of frozen) member.pause();
        this.#pauses += frozen.length;
        return () => frozen.forEach((member) => member.resume());
      }
      case "weather":
        this.#weather();
        return () => undefined;
    }
  }

  /** Whoever believes to lead: freezing these is what tells something. */
  #leaders(): SimulatedMember[] {
    return this.dependencies.members.filter((member) => member.node?.status().leader === member.id);
  }

  #crash(victims: readonly SimulatedMember[]): () => void {
    const powerLoss = randomChance(this.dependencies.prng, 0.7);
    const down = victims.filter((member) => member.running);
    const { prng, members } = this.dependencies;
    // Of one member at a time: a majority without its state is the end of a cluster.
    const isSpared =
      victims.length > 1 ||
      members.length < 3 ||
      members.some(({ isWhole, isRepairing }) => !isWhole || isRepairing);
    const losesState = !isSpared && randomChance(prng, 0.3);
    const losesLog = !isSpared && !losesState && this.dependencies.losesLogs && randomChance(prng, 0.8);
    for (const member of down) member.crash(powerLoss, losesState);
    if (losesLog) for (const member of down) member.loseLog(randomInteger(prng, 1, 20));
    this.#crashes += down.length;
    return () => down.forEach((member) => member.start());
  }

  #cut(left: readonly string[], right: readonly string[]): () => void {
    const { faults } = this.dependencies.network;
    const pairs = left.flatMap((a) => right.map((b) => [a, b] as const));
    for (const [a, b] of pairs) faults.cut(a, b);
    return () => pairs.forEach(([a, b]) => faults.mend(a, b));
  }

  #others(names: readonly string[]): string[] {
    return this.#everyone().filter((name) => !names.includes(name));
  }

  #everyone(): string[] {
    const { members, gateways, watching } = this.dependencies;
    return [...members, ...watching].map(({ name }) => name).concat(gateways);
  }

  #weather(): void {
    const { prng, network } = this.dependencies;
    const delay = randomPick(prng, [1, 10, 100]);
    network.faults.setEverywhere({
      delayMs: { min: 0, max: delay },
      lossChance: randomPick(prng, [0, 0.01, 0.1, 0.3]),
      duplicateChance: randomPick(prng, [0, 0.05, 0.3]),
      reorderChance: randomPick(prng, [0, 0.05, 0.3]),
      reorderMs: randomPick(prng, [20, 500, 8000]),
    });
  }
}
