import { seededPrng } from "@quorate/base";
import * as fc from "fast-check";

import { isOk, type Change, type Operation } from "./history";
import { CORRUPTIONS, LIST_CORRUPTIONS, REVISION_CORRUPTIONS } from "./corruptions";
import { checkLinearizable } from "./linearizability/check-linearizable";
import { checkListAppend } from "./list-append/check-list-append";
import type { Mix } from "../workloads/draw-request";
import { randomHistory, type RandomHistory } from "./random-history";
import { checkRevisions, checkRevisionsWithoutLog } from "./revision-replay";
import { HistoryViolation } from "./violation";

// Goal: a checker that accuses a correct store, or lets a wrong one pass, is found out. Method: histories made by a model of a
// correct store must be accepted; the same with one thing wrong that matters must not. fast-check prints the seed of a failure.
const runs = Number(process.env["QUORATE_CHECKER_RUNS"] ?? 15);
const seeds = fc.integer({ min: 0, max: 0x7fff_ffff });

function historyOf(seed: number, mix: Mix, unknownChance = 0.08): RandomHistory {
  const keys = mix === "register" ? ["a", "b"] : ["a", "b", "c"];
  return randomHistory(seededPrng(seed), { mix, clients: 4, operations: 90, keys, unknownChance });
}

function forSeeds(check: (seed: number) => void): void {
  fc.assert(fc.property(seeds, check), { numRuns: runs });
}

/** Whether a check accuses. Anything but an accusation or silence is a fault of the test. */
function accuses(check: () => void): boolean {
  try {
    check();
    return false;
  } catch (error) {
    if (error instanceof HistoryViolation) return true;
    throw error;
  }
}

const byRevisions = (operations: readonly Operation[], log: readonly Change[]): boolean =>
  accuses(() => checkRevisions(operations, log));
const bySearch = (operations: readonly Operation[]): boolean => accuses(() => checkLinearizable(operations));
const byLists = (operations: readonly Operation[]): boolean => accuses(() => checkListAppend(operations));

describe.each<Mix>(["register", "txn", "list-append"])("histories of a correct store, %s", (mix) => {
  it("are accepted by every checker, with unknown outcomes among them", () => {
    forSeeds((seed) => {
      const { operations, log } = historyOf(seed, mix);
      checkRevisions(operations, log);
      checkLinearizable(operations);
      if (mix === "list-append") checkListAppend(operations);
    });
  });

  it("are accepted without a log where every outcome is known", () => {
    forSeeds((seed) => checkRevisionsWithoutLog(historyOf(seed, mix, 0).operations));
  });

  it("hold enough to look at", () => {
    const { operations } = historyOf(1, mix);
    const reads = operations
      .filter(isOk)
      .filter(({ outcome }) => JSON.stringify(outcome).includes("modRevision"));
    expect(reads.length).toBeGreaterThan(15);
    expect(operations.filter(({ outcome }) => outcome.kind === "unknown").length).toBeGreaterThan(3);
  });
});

describe.each<Mix>(["register", "txn"])("histories with one thing wrong, %s", (mix) => {
  it.each(Object.entries(CORRUPTIONS))("are rejected by both checkers: %s", (name, corruption) => {
    let places = 0;
    forSeeds((seed) => {
      const history = historyOf(seed, mix);
      const operations = corruption(seededPrng(seed), history);
      if (operations === undefined) return;
      places += 1;
      expect([byRevisions(operations, history.log), bySearch(operations)]).toEqual([true, true]);
    });
    // Nothing is ever deleted in few histories only.
    if (!name.includes("ever deleted")) expect(places).toBeGreaterThan(runs / 3);
  });

  it.each(Object.entries(REVISION_CORRUPTIONS))(
    "are rejected by their revisions: %s",
    (_name, corruption) => {
      let places = 0;
      forSeeds((seed) => {
        // An unknown write could be what a wrong count says.
        const history = historyOf(seed, mix, 0);
        const operations = corruption(seededPrng(seed), history);
        if (operations === undefined) return;
        places += 1;
        expect(byRevisions(operations, history.log)).toBe(true);
      });
      expect(places).toBeGreaterThan(runs / 3);
    },
  );
});

describe("list histories with one thing wrong", () => {
  it.each(Object.entries(LIST_CORRUPTIONS))("are rejected: %s", (_name, corruption) => {
    let places = 0;
    forSeeds((seed) => {
      const operations = corruption(seededPrng(seed), historyOf(seed, "list-append"));
      if (operations === undefined) return;
      places += 1;
      expect(byLists(operations)).toBe(true);
    });
    expect(places).toBeGreaterThan(runs / 3);
  });
});

describe("the replay and the search", () => {
  it("agree on which histories are possible: what the replay accepts, the search does", () => {
    forSeeds((seed) => {
      const { operations, log } = historyOf(seed, "txn");
      const prng = seededPrng(seed);
      // Times that are shaken lead to histories of both kinds.
      const shaken = operations.map((operation) => ({
        ...operation,
        calledAt: operation.calledAt + (prng.next() % 6),
        returnedAt: operation.returnedAt + 5,
      }));
      if (!byRevisions(shaken, log)) expect(bySearch(shaken)).toBe(false);
    });
  });
});
