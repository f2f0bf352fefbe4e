import { OccurrenceCount, OCCURRENCES } from "./testing/random/occurrence";
import { RandomCluster } from "./testing/random/random-cluster";
import type { Rule } from "./testing/safety-checker";

/**
 * Random clusters, one per seed, watched from outside (see SafetyChecker). Each property of figure 3 of the Raft paper is
 * a test of its own over the same runs; a failure names its seeds, which repeat exactly: RAFT_FUZZ_FIRST_SEED=seed
 * RAFT_FUZZ_SEEDS=1.
 */
const SEEDS = Number(process.env["RAFT_FUZZ_SEEDS"] ?? 200);
const FIRST_SEED = Number(process.env["RAFT_FUZZ_FIRST_SEED"] ?? 1);
const STEPS = Number(process.env["RAFT_FUZZ_STEPS"] ?? 3000);

describe("Raft under random faults", () => {
  const breaches: { readonly rule: Rule; readonly report: string }[] = [];
  /** In how many runs each happened. */
  const runs = new OccurrenceCount();

  beforeAll(() => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
      const cluster = new RandomCluster(seed);
      cluster.run(STEPS);
      for (const { rule, facts } of cluster.checker.breaches)
        breaches.push({ rule, report: `seed ${seed}: ${facts}` });
      for (const name of OCCURRENCES) if (cluster.occurrences.of(name) > 0) runs.note(name);
    }
  }, 300_000);

  it.each<[Rule, string]>([
    ["election safety", "elects at most one leader in a term"],
    ["leader append-only", "never overwrites or deletes in the log of a leader while it leads"],
    ["log matching", "gives entries of equal index and term the same history in all logs"],
    ["leader completeness", "has every committed entry in the log of each leader of a later term"],
    ["state machine safety", "applies the same entry at an index on every member, once and in order"],
    ["committed is durable on a quorum", "commits only what a quorum of disks holds"],
    ["linearizable reads", "answers no read at an index below what was committed when it was asked"],
    ["refused is in no log", "keeps a refused command out of every log"],
    [
      "one change at a time",
      "changes the membership after an own commit, and once the change before is applied",
    ],
    ["configurations overlap", "elects nobody by a membership whose majorities miss those of the newest one"],
    ["committed stays", "takes nothing that is committed out of a log"],
    ["revealed is durable", "says of terms, votes and entries only what a crash cannot take back"],
    ["changes are settled", "goes by no change of the membership whose commit a crash could take back"],
    [
      "liveness",
      "elects and commits once the faults are over, also without a minority, and agrees in the end",
    ],
    ["core invariants", "breaks none of the invariants it checks itself"],
  ])("%s: %s", (rule) => {
    expect(breaches.filter((breach) => breach.rule === rule).map(({ report }) => report)).toEqual([]);
  });

  // Without this the tests above could pass because nothing ever happened.
  it.each(OCCURRENCES)("reaches: %s", (occurrence) => {
    expect(runs.of(occurrence)).toBeGreaterThanOrEqual(SEEDS / 100);
  });
});
