import { isOk, type Operation } from "./history";
import { NotCheckedError } from "./violation";

/** A stretch of a run. Times are of the history's clock, in milliseconds. */
export interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Operations that must have been answered well in each second of it, on average. */
  readonly operationsPerSecondMin: number;
}

/** What a run must have done at least, or its silence means nothing. */
export interface Effort {
  readonly operations: readonly Operation[];
  readonly phases: readonly Phase[];
  readonly durationMsMin: number;
  /** Counts by what was counted: effects of faults, events of watches, expired leases. */
  readonly counts: Readonly<Record<string, { readonly seen: number; readonly min: number }>>;
}

/**
 * Checks that enough happened: operations before, during and after a fault, faults that had an effect, time.
 *
 * @returns One line for people.
 * @throws {NotCheckedError} Too little did; the message has a line for each thing.
 */
export function checkEffort({ operations, phases, durationMsMin, counts }: Effort): string {
  const missing: string[] = [];
  const seen: string[] = [];
  const note = (what: string, found: number, min: number): void => {
    const line = `${what}: ${Number(found.toFixed(1))}`;
    seen.push(line);
    // A count that is no number is none.
    if (!(found >= min)) missing.push(`${line}, needed ${min}`);
  };
  const answered = operations.filter(isOk);
  for (const { name, from, to, operationsPerSecondMin } of phases) {
    const count = answered.filter(({ returnedAt }) => returnedAt >= from && returnedAt < to).length;
    note(
      `operations per second ${name}`,
      to > from ? (count * 1000) / (to - from) : 0,
      operationsPerSecondMin,
    );
  }
  const times = operations.flatMap(({ calledAt, returnedAt }) =>
    returnedAt === Infinity ? [calledAt] : [calledAt, returnedAt],
  );
  const [first, last] = times.reduce<readonly [number, number]>(
    ([low, high], time) => [Math.min(low, time), Math.max(high, time)] as const,
    [Infinity, -Infinity],
  );
  note("milliseconds", Math.max(0, last - first), durationMsMin);
  for (const [what, { seen: found, min }] of Object.entries(counts)) note(what, found, min);
  if (missing.length > 0) throw new NotCheckedError(["too little happened:", ...missing].join("\n  "));
  return seen.join(", ");
}
