import { ddmin } from "./ddmin";
import type { Schedule } from "./schedule";
import { Simulation } from "./simulation";

/** A run that failed, with nothing in it that it does not need. */
export interface Shrunk {
  readonly seed: number;
  readonly schedule: Schedule;
  /** The error of the shrunk run. */
  readonly error: Error;
  /** Items of the schedule that was drawn. */
  readonly itemsBefore: number;
  readonly runs: number;
  /** Whether none of the items can be left out. */
  readonly isMinimal: boolean;
}

/** The error that a run ends with; `undefined`: it keeps every promise. */
export function failureOf(seed: number, schedule?: Schedule): Error | undefined {
  try {
    new Simulation(seed, schedule).run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** @returns `undefined`: the seed does not fail. */
export function shrinkSeed(
  seed: number,
  runsMax: number,
  progress?: (items: number) => void,
): Shrunk | undefined {
  const { schedule } = new Simulation(seed);
  let error = failureOf(seed);
  if (error === undefined) return undefined;
  const kind = kindOf(error);
  const fails = (items: Schedule): boolean => {
    const failure = failureOf(seed, items);
    // Another failure would be another story: a shrinker that slips from one to the next ends nowhere.
    if (failure === undefined || kindOf(failure) !== kind) return false;
    error = failure;
    progress?.(items.length);
    return true;
  };
  const { items, runs, isMinimal } = ddmin(schedule, fails, runsMax);
  return { seed, schedule: items, error, itemsBefore: schedule.length, runs, isMinimal };
}

/** What a failure is about, without whom and when. */
function kindOf(error: Error): string {
  return `${error.name}: ${error.message}`.slice(0, 60).replace(/[\d:].*/s, "");
}
