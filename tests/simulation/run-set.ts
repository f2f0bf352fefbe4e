import { rareFaults } from "./fault-guard";
import { seedsFor, SOMETIMES, type Mark } from "./marks";
import type { FaultCounts } from "./nemesis";
import type { SimulationReport } from "./simulation-report";

/** Fewer seeds than this may miss something by chance. */
const GUARDED_SEEDS_MIN = 100;

type Counted = {
  [Name in keyof SimulationReport]: SimulationReport[Name] extends number ? Name : never;
}[keyof SimulationReport];

/** More than so many per seed, on average. A set of seeds that does not come to these has proven nothing. */
const GUARDS = {
  acknowledgedWrites: 50,
  reads: 30,
  unknown: 1 / 4,
  listElements: 10,
  diskDeaths: 1 / 10,
  boundaryDeaths: 1 / 4,
  snapshots: 1 / 4,
  damages: 1 / 50,
  losses: 1 / 20,
  repairs: 1 / 20,
  changes: 1 / 2,
  transfers: 1 / 10,
  ordersRefused: 1 / 5,
  refusals: 1 / 10,
  retired: 1 / 10,
  expired: 2,
  renewals: 5,
  refusedForSpace: 5,
  spaceAlarms: 1 / 2,
  leaders: 1.5,
  watchEvents: 200,
  watchProgress: 10,
  watchesCompacted: 1,
  watchesResumed: 1 / 4,
} as const satisfies Partial<Record<Counted, number>>;

type Guarded = keyof typeof GUARDS;
const GUARDED = Object.keys(GUARDS) as Guarded[];

/** Of all seeds, those whose search for an order must come to its end. */
const SEARCHED_MIN = 0.9;

/** What many seeds did together, and whether that is enough to have proven something. */
export class RunSet {
  readonly #sums = new Map<Guarded, number>(GUARDED.map((name) => [name, 0]));
  /** The seeds that reached each mark. */
  readonly #marked = new Map<Mark, number>(SOMETIMES.map((mark) => [mark, 0]));
  readonly #faults: FaultCounts[] = [];
  #seeds = 0;
  #searched = 0;
  #virtualMs = 0;

  add(report: SimulationReport): void {
    this.#seeds += 1;
    this.#virtualMs += report.virtualMs;
    if (report.searched) this.#searched += 1;
    for (const name of GUARDED) this.#sums.set(name, this.#sums.get(name)! + report[name]);
    this.#faults.push(report.faults);
    for (const mark of report.marks) this.#marked.set(mark, this.#marked.get(mark)! + 1);
  }

  get seeds(): number {
    return this.#seeds;
  }

  /** Of all seeds together, in milliseconds. */
  get virtualMs(): number {
    return this.#virtualMs;
  }

  /** What was counted, by name, and by mark the number of seeds that reached it. */
  get sums(): Readonly<Record<string, number>> {
    return { searched: this.#searched, ...Object.fromEntries(this.#sums), ...this.#prefixedMarks() };
  }

  /** One sentence for each thing that these seeds should have done and did not; none for a small set. */
  get shortfalls(): readonly string[] {
    const seeds = this.#seeds;
    if (seeds < GUARDED_SEEDS_MIN) return [];
    const found = GUARDED.filter((name) => this.#sums.get(name)! <= seeds * GUARDS[name]).map(
      (name) =>
        `${name}: ${this.#sums.get(name)} in ${seeds} seeds, wanted more than ${seeds * GUARDS[name]}`,
    );
    if (this.#searched <= seeds * SEARCHED_MIN)
      found.push(`searched: only ${this.#searched} of ${seeds} histories`);
    const missed = SOMETIMES.filter((mark) => seeds >= seedsFor(mark) && this.#marked.get(mark) === 0);
    const rare = rareFaults(this.#faults).map((fault) => `fault ${fault}`);
    return [...found, ...rare, ...missed.map((mark) => `sometimes "${mark}": never in ${seeds} seeds`)];
  }

  #prefixedMarks(): Record<string, number> {
    return Object.fromEntries([...this.#marked].map(([mark, count]) => [`sometimes "${mark}"`, count]));
  }
}
