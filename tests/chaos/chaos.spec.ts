import type { Fault } from "./nemeses";
import { possibleFaults } from "./nemeses";
import { runRound, type RoundReport } from "./round";
import { WORKLOADS, type Workload } from "./round-loads";

const ROUND_MS = 180_000;
const FAULT_MS_MAX = 4000;
const THREE_OF_EACH = { members: 3, brokers: 3 } as const;

/** Each round has all its faults in turn, so that none is left out by chance. */
const ROUNDS: readonly (readonly [what: string, workloads: readonly Workload[], faults: readonly Fault[]])[] =
  [
    [
      "members are killed",
      ["register", "list-append", "leases"],
      ["kill-leader", "kill-majority", "kill-all"],
    ],
    ["processes freeze", ["txn", "locks", "kubernetes"], ["pause-leader", "pause-broker", "pause-gateway"]],
    [
      "the network is cut",
      ["register", "list-append", "kubernetes"],
      ["partition-route", "partition-leader", "slow-member"],
    ],
    [
      "power is lost and disks fail",
      ["register", "txn", "leases"],
      ["power-loss-all", "minority-wakes", "fsync-failure"],
    ],
    ["disks rot and brokers crash", ["register", "list-append"], ["corruption", "kill-broker"]],
    [
      "operators are at work",
      ["txn", "list-append", "kubernetes"],
      ["membership", "move-leader", "compaction", "clock-jump-all", "blackhole-until-snapshot"],
    ],
  ];

// Goal: clients of a cluster of real processes are never told a lie, whatever is done to it. Method: a fresh cluster for each round,
// members on brokers of their own, recorded loads and watchers; all that was recorded goes to all checkers. `npm run chaos` does the
// same for as long as is wanted, with faults that overlap. QUORATE_SEED repeats what is drawn.
describe("a cluster of real processes keeps its promises while", () => {
  const seed = Number(process.env["QUORATE_SEED"] ?? Date.now() % 1_000_000);
  const possible = new Set(possibleFaults());

  it.each(ROUNDS)(
    "%s",
    async (what, workloads, faults) => {
      const left = faults.filter((fault) => possible.has(fault));
      if (left.length < faults.length)
        process.stderr.write(`While ${what}: without a C compiler only ${left.join(", ")}.\n`);
      const report = await runRound(
        {
          ...{ seed, workloads, faults: left, faultMsMax: FAULT_MS_MAX, topology: THREE_OF_EACH },
          seconds: 0,
          inTurn: true,
          command: `QUORATE_SEED=${seed} npm test -- --selectProjects tests/chaos -t "${what}"`,
        },
        () => undefined,
      );
      process.stderr.write(`While ${what}, seed ${seed}: ${line(report)}\n`);
      if (report.kind !== "kept") throw new Error(`${report.kind}: ${report.text}`);
    },
    ROUND_MS,
  );

  it("has every workload in some round", () => {
    expect(new Set(ROUNDS.flatMap(([, workloads]) => workloads))).toEqual(new Set(WORKLOADS));
  });
});

function line({ operations, unknown, faults, text }: RoundReport): string {
  return `${operations} operations, ${unknown} of unknown outcome, ${faults} faults, ${text}`;
}
