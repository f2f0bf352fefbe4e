import { setTimeout as pause } from "node:timers/promises";

import { seededPrng } from "@quorate/base";

import { checkRun } from "../checkers/check-run";
import { checkEffort } from "../checkers/effort";
import { isOk, type Operation } from "../checkers/history";
import type { RecordedRun } from "../checkers/recorded-run";
import { CALL_TIMEOUT_MS, RoundLoads, type Workload } from "../chaos/round-loads";
import { eventually } from "../harness/eventually";
import { settledMemberStates } from "../harness/member-states";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";
import { ClusterHistory } from "../workloads/cluster-history";
import type { ContainerCluster } from "./container-cluster";
import type { Fault } from "./faults";
import { InsideClients } from "./inside-clients";
import { orKeepEvidence } from "./evidence";

export interface TrialOptions {
  readonly title: string;
  readonly seed: number;
  readonly workloads: readonly Workload[];
}

/** How long a fault lasts at least. */
const FAULT_MS = 4000;
/** Calls, after each step and while a fault lasts that must not stop everything. */
const ANSWERED_AFTER_EACH = 15;
const WITHIN_MS = 45_000;
const SETTLED_WITHIN_MS = 60_000;
const INSIDE = {
  mix: "register",
  prefix: "inside/",
  keys: 6,
  clients: 3,
  firstClient: 700_000,
  everyMs: 150,
} as const;

/**
 * A cluster under loads from outside and inside, to which one thing after the other is done; in the end all that clients saw is
 * put to all checkers.
 */
export class Trial implements AsyncDisposable {
  readonly #journal: string[] = [];
  #failed: string | undefined;
  #run: RecordedRun | undefined;
  #undergone = 0;

  private constructor(
    private readonly options: TrialOptions,
    readonly cluster: ContainerCluster,
    private readonly folder: TemporaryFolder,
    private readonly history: ClusterHistory,
    private readonly loads: RoundLoads,
    private readonly inside: InsideClients,
  ) {}

  /** @param cluster Fresh. */
  static async start(options: TrialOptions, cluster: ContainerCluster): Promise<Trial> {
    const { title, seed, workloads } = options;
    const folder = await temporaryFolder("containers");
    const history = await ClusterHistory.start({ title, seed, timeoutMs: CALL_TIMEOUT_MS }, cluster);
    history.adopt(INSIDE.prefix);
    const load = { ...INSIDE, seed: seed + 2, timeoutMs: CALL_TIMEOUT_MS };
    const inside = await InsideClients.start(cluster, load, folder.path);
    const loads = await RoundLoads.start(workloads, { cluster, history, prng: seededPrng(seed + 1) });
    return new Trial(options, cluster, folder, history, loads, inside);
  }

  /** Breaks something for a while, sees that clients are served meanwhile, or are not, and that they are afterwards. */
  endure(fault: Fault): Promise<void> {
    return this.#step(async () => {
      const term = await this.cluster.term();
      const { what, unseats } = await fault.begin();
      const began = performance.now();
      let dropped = 0;
      try {
        if (fault.meanwhile === "served") await this.#untilAnswered(what, began);
        await pause(Math.max(0, began + FAULT_MS - performance.now()));
        if (fault.meanwhile === "stalled") this.#expectNoneSince(what, began);
      } finally {
        dropped = await fault.end();
      }
      if (fault.drops) expect(dropped).toBeGreaterThan(0);
      if (unseats) await this.#untilTermAfter(term);
      return fault.drops ? `${what} (${dropped} packets dropped)` : what;
    });
  }

  /** Does something that clients should hardly notice, and sees that they were served meanwhile. */
  undergo(what: string, act: () => Promise<void>): Promise<void> {
    return this.#step(async () => {
      const began = performance.now();
      await act();
      await this.#untilAnswered(what, began);
      return what;
    });
  }

  /** Lets all come to rest, and checks everything that was recorded. @returns Figures, for people. */
  async conclude(faultsMin: number): Promise<string> {
    return await this.#guarded(async () => {
      await this.loads.stop();
      const inside = await this.inside.collected();
      const collected = await this.history.collected();
      const run = { ...collected, operations: [...collected.operations, ...inside] };
      this.#run = run;
      const states = await settledMemberStates(this.cluster, SETTLED_WITHIN_MS);
      expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
      expect(this.loads.violations(run)).toEqual([]);
      const verdicts = checkRun(run);
      expect(verdicts.filter(({ kind }) => kind !== "kept")).toEqual([]);
      const effort = checkEffort({
        operations: run.operations,
        phases: [],
        durationMsMin: faultsMin * FAULT_MS,
        counts: {
          ...this.loads.counts(run),
          faults: { seen: this.#undergone, min: faultsMin },
          answered: { seen: run.operations.filter(isOk).length, min: faultsMin * 100 },
          "answered inside": { seen: inside.filter(isOk).length, min: faultsMin * 10 },
          "of unknown outcome": { seen: run.operations.filter(isUnknown).length, min: 1 },
          "watches broken": { seen: this.history.watchesBroken, min: 1 },
          "watch events": { seen: this.history.watchEvents, min: faultsMin * 50 },
          members: { seen: states.length, min: this.cluster.members.length },
          "checks passed": { seen: verdicts.length, min: 6 },
        },
      });
      return `${this.options.title}, seed ${this.options.seed}: ${effort}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loads.abandon();
    await this.history[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }

  /** What was under way to members when the fault ended may let them believe in the former leader for a moment. */
  async #untilTermAfter(term: number): Promise<void> {
    await eventually(`a term after ${term}`, { withinMs: WITHIN_MS, everyMs: 100 }, async () => {
      return (await this.cluster.term()) > term;
    });
  }

  /** Does one thing, mends everything, and writes down what it did to clients. */
  #step(act: () => Promise<string>): Promise<void> {
    return this.#guarded(async () => {
      const from = performance.now();
      const what = await act();
      const mended = performance.now();
      await this.cluster.untilWhole();
      const whole = performance.now();
      await this.#untilAnswered(`everything is whole after: ${what}`, whole);
      await this.loads.renew();
      this.#undergone += 1;
      const during = this.#operations.filter(({ calledAt }) => calledAt >= from);
      const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
      this.#note(
        `${what}: ${during.filter(isOk).length} answered, ${during.filter(isUnknown).length} unknown, longest gap ` +
          `${seconds(longestGapMs(during, from, whole))}, whole after ${seconds(whole - mended)}, took ${seconds(performance.now() - from)}`,
      );
    });
  }

  /** What goes wrong is kept, and whatever would come next is not begun. */
  async #guarded<T>(act: () => Promise<T>): Promise<T> {
    if (this.#failed !== undefined) throw new Error(`Not begun, since this has failed: ${this.#failed}`);
    try {
      return await orKeepEvidence(this.cluster, act, () => {
        const run = this.#run ?? { operations: this.#operations };
        return { run: { ...run, title: this.options.title }, journal: this.#journal };
      });
    } catch (error) {
      this.#failed = expect.getState().currentTestName ?? "";
      throw error;
    }
  }

  #untilAnswered(while_: string, since: number): Promise<unknown> {
    return eventually(`answers while ${while_}`, { withinMs: WITHIN_MS }, () => {
      const answered = this.#operations.filter((one) => isOk(one) && one.calledAt >= since);
      return answered.length >= ANSWERED_AFTER_EACH;
    });
  }

  #expectNoneSince(what: string, since: number): void {
    const answered = this.#operations.filter((one) => isOk(one) && one.calledAt >= since);
    if (answered.length > 0)
      throw new Error(`${answered.length} calls were answered while ${what}: ${JSON.stringify(answered[0])}`);
  }

  get #operations(): readonly Operation[] {
    return this.history.recorder.operations;
  }

  #note(line: string): void {
    this.#journal.push(line);
    process.stderr.write(`${this.options.title}: ${line}\n`);
  }
}

function isUnknown({ outcome }: Operation): boolean {
  return outcome.kind === "unknown";
}

/** The longest time between `from` and `to` in which nobody was answered. */
function longestGapMs(operations: readonly Operation[], from: number, to: number): number {
  const times = operations.filter(isOk).map(({ returnedAt }) => returnedAt);
  const marks = [from, ...times.filter((time) => time < to), to].sort((a, b) => a - b);
  return marks.slice(1).reduce((longest, mark, at) => Math.max(longest, mark - marks[at]!), 0);
}
