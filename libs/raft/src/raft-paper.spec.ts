import { type Occurrence, RandomCluster } from "./testing/random-cluster";
import type { Rule } from "./testing/safety-checker";

/**
 * Random clusters, one per seed, watched from outside (see SafetyChecker). Each property of figure 3 of the Raft paper is
 * a test of its own over the same runs; a failure names its seeds, which repeat exactly.
 */
const SEEDS = Number(process.env["RAFT_FUZZ_SEEDS"] ?? 150);
const FIRST_SEED = Number(process.env["RAFT_FUZZ_FIRST_SEED"] ?? 1);
const STEPS = 8000;

describe("Raft under random faults", () => {
  const breaches: { readonly rule: Rule; readonly report: string }[] = [];
  const occurrences = new Map<Occurrence, number>();

  beforeAll(() => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
      const cluster = new RandomCluster(seed);
      cluster.run(STEPS);
      for (const { rule, facts } of cluster.checker.breaches)
        breaches.push({ rule, report: `seed ${seed}: ${facts}` });
      for (const [name, count] of cluster.occurrences)
        occurrences.set(name, (occurrences.get(name) ?? 0) + count);
    }
  }, 120_000);

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
    ["liveness", "elects, commits and agrees once the faults are over"],
    ["core invariants", "breaks none of the invariants it checks itself"],
  ])("%s: %s", (rule) => {
    expect(breaches.filter((breach) => breach.rule === rule).map(({ report }) => report)).toEqual([]);
  });

  // Without this the tests above could pass because nothing ever happened.
  it.each<Occurrence>([
    "election",
    "commit",
    "truncation",
    "fetch",
    "read",
    "forwarded read",
    "loss at crash",
    "refusal",
    "change",
    "joint change",
    "change refused",
    "leader removed",
    "transfer",
    "transfer failed",
    "compaction",
    "snapshot",
    "snapshot over a change",
    "damaged state",
    "lost entries",
    "repair",
  ])("reaches: %s", (occurrence) => {
    expect(occurrences.get(occurrence) ?? 0).toBeGreaterThan(SEEDS / 10);
  });
});
