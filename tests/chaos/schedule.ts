import { setTimeout as pause } from "node:timers/promises";

import { randomChance, randomInteger, randomPick } from "@quorate/base";

import { shuffled, type Nemesis, type Scene } from "./nemesis";
import { HEALED_LAST, nemesisOf, type Fault } from "./nemeses";

export interface ScheduleOptions {
  readonly faults: readonly Fault[];
  readonly durationMs: number;
  /** Of the longest fault, in milliseconds. */
  readonly faultMsMax: number;
  /** Each fault once, and none together, instead of what is drawn. */
  readonly inTurn?: boolean;
}

export interface ScheduleEvents {
  /** Told what happens, for people. */
  readonly note: (line: string) => void;
  /** Called when everything is whole again and the cluster takes writes. */
  readonly whole: () => Promise<void>;
}

const CALM_MS = 5000;
const FAULT_MS_MIN = 100;
const EMPTY_PERIODS = 0.25;
const TOGETHER_MAX = 3;
const WHOLE_WITHIN_MS = 60_000;
const BREATH_MS = [300, 2500] as const;

/**
 * Calm first, then periods, each with some faults at once, or none, each healed at its end.
 *
 * @returns How many faults there were, by name.
 * @throws {NotInTimeError} The cluster did not come back though everything was whole.
 */
export async function runSchedule(
  options: ScheduleOptions,
  scene: Scene,
  events: ScheduleEvents,
): Promise<ReadonlyMap<Fault, number>> {
  const { prng } = scene;
  const done = new Map<Fault, number>();
  const until = performance.now() + options.durationMs;
  await pause(CALM_MS);
  const turns = [...options.faults];
  for (
    let period = 1;
    performance.now() < until || (options.inTurn === true && turns.length > 0);
    period += 1
  ) {
    const chosen = options.inTurn === true ? turns.splice(0, 1) : drawFaults(scene, options.faults);
    const holdMs = randomInteger(prng, FAULT_MS_MIN, options.faultMsMax);
    if (chosen.length === 0) {
      events.note(`period ${period}: nothing for ${holdMs} ms`);
      await pause(holdMs);
    } else {
      await runPeriod(scene, chosen, holdMs, (line) => events.note(`period ${period}: ${line}`));
    }
    for (const fault of chosen) done.set(fault, (done.get(fault) ?? 0) + 1);
    const from = performance.now();
    scene.cluster.healAll();
    await scene.cluster.untilWritable(WHOLE_WITHIN_MS);
    events.note(`period ${period}: whole, writable after ${Math.round(performance.now() - from)} ms`);
    await events.whole();
    await pause(randomInteger(prng, ...BREATH_MS));
  }
  return done;
}

function drawFaults({ prng }: Scene, faults: readonly Fault[]): readonly Fault[] {
  if (faults.length > 1 && randomChance(prng, EMPTY_PERIODS)) return [];
  const count = Math.min(faults.length, randomInteger(prng, 1, TOGETHER_MAX));
  const drawn = Array.from({ length: count }, () => randomPick(prng, faults));
  return [...new Set(drawn)];
}

async function runPeriod(
  scene: Scene,
  chosen: readonly Fault[],
  holdMs: number,
  note: (line: string) => void,
): Promise<void> {
  const ordered = shuffled(scene.prng, chosen).toSorted(
    (one, other) => Number(HEALED_LAST.has(other)) - Number(HEALED_LAST.has(one)),
  );
  const started: { readonly fault: Fault; readonly nemesis: Nemesis }[] = [];
  for (const fault of ordered) {
    const nemesis = nemesisOf(fault, scene);
    started.push({ fault, nemesis });
    note(`${fault}: ${await nemesis.start()}`);
  }
  await pause(holdMs);
  for (const { fault, nemesis } of started.toReversed()) {
    await nemesis.heal();
    note(`${fault}: healed after ${holdMs} ms or more`);
  }
}
