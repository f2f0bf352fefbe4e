import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";
import {
  BOUNDARIES,
  type Fault,
  type FaultKind,
  type FaultOf,
  type Schedule,
  type ScheduleItem,
  type Victim,
} from "./schedule";
import { OPERATOR_ACTIONS } from "./simulated-operator";
import { streamOf } from "./streams";

export interface ScheduleOptions {
  /** Faults end here. */
  readonly endMs: number;
  /** Whether disks may lose the end of a log although it was synced. */
  readonly losesLogs: boolean;
  readonly operated: boolean;
  readonly mixesBuilds: boolean;
  readonly compacts: boolean;
  /** Who reads, writes and watches. */
  readonly callers: readonly string[];
}

/** Above what is ever chosen from, and divisible by most counts. */
const PICK_MAX = 5039;

type Draw<K extends FaultKind> = (
  prng: Prng,
  options: ScheduleOptions,
) => Omit<FaultOf<K>, "kind"> & { forMs?: number };
type Drawn = Exclude<FaultKind, "join" | "order" | "roll" | "compact">;

const pick = (prng: Prng): number => randomInteger(prng, 0, PICK_MAX);
const victim = (prng: Prng): Victim => (randomChance(prng, 0.3) ? "leader" : pick(prng));
const disk = (prng: Prng): "log" | "state" => randomPick(prng, ["log", "log", "state"]);

/** How each fault is drawn; without `forMs` it lasts {@link lastMs}. */
const DRAWS: { readonly [K in Drawn]: Draw<K> } = {
  crash: (prng, { losesLogs }) => ({
    victim: victim(prng),
    powerLoss: randomChance(prng, 0.7),
    loses: randomPick(prng, [
      "nothing",
      "state",
      "anchor-slot",
      ...(losesLogs ? (["log", "log"] as const) : (["nothing"] as const)),
    ]),
    pick: randomInteger(prng, 1, 20),
  }),
  "crash-all": (prng) => ({ powerLoss: randomChance(prng, 0.7) }),
  "crash-at": (prng) => ({
    victim: victim(prng),
    boundary: randomPick(prng, BOUNDARIES),
    skip: randomPick(prng, [0, 1, 5, 30]),
    powerLoss: randomChance(prng, 0.7),
  }),
  "restart-storm": (prng) => ({ victim: victim(prng), everyMs: randomPick(prng, [20, 100, 400]) }),
  pause: (prng) => ({ victim: randomChance(prng, 0.3) ? "leader" : victim(prng) }),
  strangers: (prng) => ({ pick: pick(prng) }),
  "crash-watching": (prng) => ({ pick: randomInteger(prng, 1, 15) }),
  "sync-error": (prng) => ({ victim: victim(prng), disk: disk(prng), reaches: randomChance(prng, 0.5) }),
  "disk-full": (prng) => ({ victim: victim(prng) }),
  "slow-sync": (prng) => ({
    victim: victim(prng),
    disk: disk(prng),
    forMs: randomInteger(prng, 0, randomPick(prng, [500, 3000, 30_000])),
  }),
  "clock-rate": (prng) => ({
    victim: victim(prng),
    percent: randomInteger(prng, 80, 120),
    forMs: randomInteger(prng, 1000, 12_000),
  }),
  "clock-stall": (prng) => ({ victim: victim(prng) }),
  isolate: (prng) => ({ victim: victim(prng) }),
  "isolate-watching": (prng) => ({ pick: pick(prng), from: pick(prng) }),
  halves: (prng) => ({ left: pick(prng) }),
  bridge: (prng) => ({ left: pick(prng), victim: victim(prng) }),
  ring: () => ({}),
  "one-way": (prng) => ({ victim: victim(prng), deaf: randomChance(prng, 0.5) }),
  clog: (prng) => ({
    victim: victim(prng),
    way: randomPick(prng, ["in", "out", "both"]),
    forMs: randomInteger(prng, 100, 5000),
  }),
  disconnect: (prng) => ({ pick: pick(prng) }),
  "slow-consumer": (prng) => ({ pick: pick(prng), forMs: randomInteger(prng, 1, 60) }),
  replay: (prng) => ({ from: randomInteger(prng, 0, 99), count: randomPick(prng, [5, 50, 300]), forMs: 0 }),
  weather: (prng) => ({ ...weather(prng), forMs: 0 }),
  "broker-crash": (prng) => ({ broker: pick(prng), reconnectMs: randomPick(prng, [10, 100, 1000]) }),
  "broker-pause": (prng) => ({ broker: pick(prng) }),
  "route-cut": (prng) => ({ broker: pick(prng) }),
};
/** Each is done somewhere in every set of seeds that shall prove something. */
export const DRAWN_FAULTS = Object.keys(DRAWS) as Drawn[];

/** Those that come in many variants. */
const OFTEN: readonly Drawn[] = ["crash", "crash", "crash-at"];

/** What happens to the cluster of a seed: which kinds of faults at all, when, to whom, for how long, and what its operators do. */
export function drawSchedule(seed: number, options: ScheduleOptions): Schedule {
  const items: ScheduleItem[] = [
    ...drawFaults(streamOf(seed, "faults"), options),
    ...drawOperations(streamOf(seed, "operations"), options),
  ];
  return items.sort((left, right) => left.atMs - right.atMs);
}

function drawFaults(prng: Prng, options: ScheduleOptions): ScheduleItem[] {
  const { endMs } = options;
  const items: ScheduleItem[] = [];
  if (randomChance(prng, 0.7)) items.push({ atMs: 0, forMs: 0, kind: "weather", ...weather(prng) });
  // A swarm: each seed has its own subset of faults, since some hide what others would show.
  const share = randomPick(prng, [0.1, 0.3, 0.6]);
  const kinds = DRAWN_FAULTS.filter((kind) => randomChance(prng, OFTEN.includes(kind) ? 0.6 : share));
  const weighted = [...kinds, ...OFTEN.filter((kind) => kinds.includes(kind))];
  const quietMsMax = randomPick(prng, [500, 2000]);
  // How many of them overlap.
  const lanes = kinds.length === 0 ? 0 : randomPick(prng, [1, 1, 2, 3]);
  for (let lane = 0; lane < lanes; lane += 1) {
    for (let atMs = randomInteger(prng, 0, quietMsMax); atMs < endMs;) {
      const item = drawFault(prng, randomPick(prng, weighted), atMs, options);
      items.push(item);
      atMs += Math.min(item.forMs, 3500) + randomInteger(prng, 0, quietMsMax);
    }
  }
  return items;
}

function drawFault(prng: Prng, kind: Drawn, atMs: number, options: ScheduleOptions): ScheduleItem {
  const { forMs = lastMs(prng), ...rest } = (DRAWS[kind] as Draw<FaultKind>)(prng, options);
  const fault = { kind, ...rest } as Fault;
  return { atMs, forMs: Math.min(forMs, options.endMs - atMs), ...fault };
}

function drawOperations(prng: Prng, options: ScheduleOptions): ScheduleItem[] {
  const { endMs, operated, mixesBuilds, compacts, callers } = options;
  const items: ScheduleItem[] = callers.map((caller) => ({ atMs: 0, forMs: 0, kind: "join", caller }));
  const often = (minMs: number, maxMs: number, fault: () => Fault): void => {
    for (
      let atMs = randomInteger(prng, minMs, maxMs);
      atMs < endMs;
      atMs += randomInteger(prng, minMs, maxMs)
    )
      items.push({ atMs, forMs: 0, ...fault() });
  };
  if (operated)
    often(100, 1500, () => ({ kind: "order", action: randomPick(prng, OPERATOR_ACTIONS), pick: pick(prng) }));
  if (mixesBuilds) often(300, 2500, () => ({ kind: "roll", pick: pick(prng) }));
  // Now and then to a revision not far behind the present one, so that it passes slow watchers.
  if (compacts) often(100, 2000, () => ({ kind: "compact", behind: randomInteger(prng, 0, 20) }));
  return items;
}

function lastMs(prng: Prng): number {
  return randomInteger(prng, 100, 3500);
}

function weather(prng: Prng): Omit<FaultOf<"weather">, "kind"> {
  return {
    delayMs: randomPick(prng, [1, 10, 100]),
    lossChance: randomPick(prng, [0, 0.01, 0.1, 0.3]),
    duplicateChance: randomPick(prng, [0, 0.05, 0.3]),
    reorderChance: randomPick(prng, [0, 0.05, 0.3]),
    reorderMs: randomPick(prng, [20, 500, 8000]),
    outliveChance: randomPick(prng, [0, 0.5, 1]),
    interestLagMs: randomPick(prng, [0, 0, 20, 300]),
  };
}
