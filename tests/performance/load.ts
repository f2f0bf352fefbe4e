import { randomInteger, seededPrng } from "@quorate/base";

import { openTarget, type LoadTarget, type TargetAddress } from "./load-target";

export type Operation = "put" | "get";

/** One run of the load generator. */
export interface LoadOptions {
  readonly target: TargetAddress;
  /** "fill" puts every key once, whatever the time. */
  readonly operation: Operation | "fill";
  /** Calls under way at any time: each caller makes its next call when the last was answered. */
  readonly callers: number;
  /** Seconds that count, and seconds before them that do not. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly keyCount: number;
  readonly valueBytes: number;
  readonly seed: number;
}

export interface LoadResult {
  readonly callsPerSecond: number;
  readonly failures: number;
  /** Cores that the load generator itself kept busy: near 1, it is what is measured. */
  readonly generatorCores: number;
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number };
}

/** Loads the target, and measures from the caller's side. The first failure is thrown if every call failed. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  await using target = await openTarget(options.target);
  const load = new Load(options, target);
  return options.operation === "fill" ? await load.fill() : await load.measure(options.operation);
}

class Load {
  readonly #options: LoadOptions;
  readonly #target: LoadTarget;
  readonly #keys: readonly Buffer[];
  readonly #values: readonly Buffer[];
  readonly #latencies: number[] = [];
  readonly #startedAt = performance.now();
  readonly #cpuAtStart = process.cpuUsage();
  #failures = 0;
  #firstFailure: unknown;

  constructor(options: LoadOptions, target: LoadTarget) {
    this.#options = options;
    this.#target = target;
    const prng = seededPrng(options.seed);
    this.#keys = Array.from({ length: options.keyCount }, (_, at) =>
      Buffer.from(`bench/${`${at}`.padStart(8, "0")}`),
    );
    this.#values = Array.from({ length: 64 }, () =>
      Buffer.from(Array.from({ length: options.valueBytes }, () => randomInteger(prng, 0, 255))),
    );
  }

  async fill(): Promise<LoadResult> {
    let next = 0;
    const from = performance.now();
    await this.#together(async () => {
      while (next < this.#keys.length) {
        const at = (next += 1) - 1;
        await this.#target.put(this.#keys[at] as Buffer, this.#values[at % this.#values.length] as Buffer);
      }
    });
    return this.#result(this.#keys.length, (performance.now() - from) / 1000);
  }

  async measure(operation: Operation): Promise<LoadResult> {
    const { warmUpSeconds, seconds } = this.#options;
    const from = performance.now() + warmUpSeconds * 1000;
    const until = from + seconds * 1000;
    await this.#together(async (caller) => {
      const prng = seededPrng(this.#options.seed * 10_007 + caller);
      for (let calledAt = performance.now(); calledAt < until;) {
        const succeeded = await this.#call(operation, prng.next());
        const answeredAt = performance.now();
        if (succeeded && answeredAt >= from && answeredAt < until)
          this.#latencies.push(answeredAt - calledAt);
        calledAt = answeredAt;
      }
    });
    if (this.#latencies.length === 0) throw this.#firstFailure;
    return this.#result(this.#latencies.length, seconds);
  }

  async #call(operation: Operation, random: number): Promise<boolean> {
    const key = this.#keys[random % this.#keys.length] as Buffer;
    try {
      if (operation === "put")
        await this.#target.put(key, this.#values[random % this.#values.length] as Buffer);
      else if (!(await this.#target.get(key))) throw new Error(`${key.toString()} was put and is missing`);
      return true;
    } catch (error) {
      this.#failures += 1;
      this.#firstFailure ??= error;
      return false;
    }
  }

  #together(work: (caller: number) => Promise<void>): Promise<unknown> {
    return Promise.all(Array.from({ length: this.#options.callers }, (_, caller) => work(caller)));
  }

  #result(calls: number, seconds: number): LoadResult {
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    const elapsedMs = performance.now() - this.#startedAt;
    const sorted = Float64Array.from(this.#latencies).sort();
    return {
      callsPerSecond: calls / seconds,
      failures: this.#failures,
      generatorCores: (user + system) / 1000 / elapsedMs,
      latency: { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) },
    };
  }
}

/** The smallest value that at least `share` (0 to 1) of the values do not exceed; 0 if there are none. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
