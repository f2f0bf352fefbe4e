import fc from "fast-check";
import type { EntryId, LogIndex, Term } from "../types";
import { TermRuns } from "./term-runs";

const id = (term: number, index: number): EntryId => ({ term: term as Term, index: index as LogIndex });

/** The terms of a log as a plain array: what TermRuns must answer like. */
const logs = fc
  .array(fc.nat(2), { minLength: 1, maxLength: 30 })
  .map((steps) => steps.reduce<number[]>((terms, step) => [...terms, (terms.at(-1) ?? 1) + step], []));

function runsOf(terms: readonly number[]): TermRuns {
  const runs = new TermRuns(id(0, 0), []);
  terms.forEach((term, at) => runs.extend(id(term, at + 1)));
  return runs;
}

describe("TermRuns", () => {
  it("knows the term of every entry, also after a truncation", () => {
    fc.assert(
      fc.property(logs, fc.nat(29), (terms, cut) => {
        const runs = runsOf(terms);
        const kept = terms.slice(0, cut);
        runs.truncateFrom((cut + 1) as LogIndex);
        kept.forEach((term, at) => expect(runs.termAt((at + 1) as LogIndex)).toBe(term));
        expect(runs.termAt(0 as LogIndex)).toBe(0);
      }),
    );
  });

  it("finds the last entry with a term of at most a given one", () => {
    fc.assert(
      fc.property(logs, fc.nat(30), fc.nat(60), (terms, from, term) => {
        const index = Math.min(from, terms.length);
        let expected = index;
        while (expected > 0 && terms[expected - 1]! > term) expected -= 1;
        const found = runsOf(terms).lastWithTermAtMost(index as LogIndex, term as Term);
        expect(found).toEqual(id(terms[expected - 1] ?? 0, expected));
      }),
    );
  });

  it("refuses a term below that of the entry before", () => {
    expect(() => runsOf([3, 2])).toThrow("terms never fall along the log");
  });
});
