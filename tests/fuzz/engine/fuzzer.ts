import { randomChance, randomPick, seededPrng } from "@quorate/base";
import type { FuzzTarget } from "./fuzz-target";
import { judge } from "./judge";
import { minimise } from "./minimise";
import { mutated } from "./mutator";

export interface FuzzRun {
  readonly seed: number;
  /** Milliseconds after which no further input is tried. */
  readonly forMs: number;
  /** What else there is to begin with: the corpus. */
  readonly corpus: readonly Uint8Array[];
}

export interface FuzzFailure {
  readonly input: Uint8Array;
  readonly failure: string;
}

export interface FuzzReport {
  readonly target: string;
  readonly executions: number;
  /** Inputs that led to a value. */
  readonly accepted: number;
  /** Results and errors that looked different from each other. */
  readonly shapes: number;
  readonly executionsPerSecond: number;
  /** One for each property, minimised. */
  readonly failures: readonly FuzzFailure[];
}

const POOL_MAX = 2000;
const THOROUGH_EVERY = 64;
const FAILURES_MAX = 5;

/** Tries inputs on `target`: first those that are given, then mutations of all that have led to something new. */
export function fuzz(target: FuzzTarget, { seed, forMs, corpus }: FuzzRun): FuzzReport {
  const prng = seededPrng(seed);
  const given = [...target.seeds(), ...corpus];
  const pool: Uint8Array[] = [...given, new Uint8Array(0)];
  const others = { dictionary: target.dictionary ?? [], pick: () => randomPick(prng, pool) };
  const shapes = new Set<string>();
  const failures = new Map<string, FuzzFailure>();
  const started = performance.now();
  let executions = 0;
  let accepted = 0;

  while (failures.size < FAILURES_MAX && (executions < given.length || performance.now() - started < forMs)) {
    const input = given[executions] ?? mutated(recent(), prng, others);
    executions += 1;
    const verdict = judge(target, input, executions % THOROUGH_EVERY === 0 || executions <= given.length);
    if (verdict.accepted) accepted += 1;
    if (verdict.failure !== undefined) note(input, verdict.failure);
    if (shapes.has(verdict.shape)) continue;
    shapes.add(verdict.shape);
    if (pool.length < POOL_MAX) pool.push(input);
    else pool[prng.next() % POOL_MAX] = input;
  }
  return {
    target: target.name,
    executions,
    accepted,
    shapes: shapes.size,
    executionsPerSecond: Math.round((executions * 1000) / (performance.now() - started)),
    failures: [...failures.values()],
  };

  /** Half of the time something that was found lately: most finds lie behind another. */
  function recent(): Uint8Array {
    return randomChance(prng, 0.5) ? randomPick(prng, pool.slice(-16)) : randomPick(prng, pool);
  }

  function note(input: Uint8Array, failure: string): void {
    const kind = kindOf(failure);
    if (failures.has(kind)) return;
    const smallest = minimise(input, (candidate) => {
      const again = judge(target, candidate, true).failure;
      return again !== undefined && kindOf(again) === kind;
    });
    failures.set(kind, { input: smallest, failure: judge(target, smallest, true).failure ?? failure });
  }
}

/** Which property it is, and for an error which one, so that a minimised input still shows the same. */
function kindOf(failure: string): string {
  return failure
    .split("\n", 1)[0]!
    .replace(/[\d.]+/g, "#")
    .slice(0, 60);
}
