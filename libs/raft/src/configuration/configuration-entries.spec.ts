import type { Entry, LogIndex, Term } from "../types";
import { ConfigurationEntries } from "./configuration-entries";

const index = (at: number): LogIndex => at as LogIndex;
const entry = (at: number, type: Entry["type"] = "command"): Entry => ({
  index: index(at),
  term: 1 as Term,
  type,
  data: new Uint8Array(0),
  chain: 0,
});

describe("ConfigurationEntries", () => {
  it("knows the configuration entries after the applied ones", () => {
    const entries = new ConfigurationEntries([entry(3, "configuration"), entry(4)], index(3));
    expect(entries.isUnappliedUpTo(index(4))).toBe(false);
    entries.appended(entry(5, "configuration"));
    expect(entries.isUnappliedUpTo(index(4))).toBe(false);
    expect(entries.isUnappliedUpTo(index(5))).toBe(true);
    entries.applied(index(5));
    expect(entries.isUnappliedUpTo(index(5))).toBe(false);
  });

  it("forgets those that are truncated", () => {
    const entries = new ConfigurationEntries([entry(1), entry(2, "configuration")], index(0));
    entries.truncatedFrom(index(2));
    expect(entries.isUnappliedUpTo(index(2))).toBe(false);
  });

  it("knows none of those that went when the log began anew behind a snapshot, seen or not", () => {
    const entries = new ConfigurationEntries([entry(8, "configuration")], index(2));
    entries.restartedAfter(index(6));
    entries.applied(index(6));
    entries.appended(entry(7));
    expect(entries.isUnappliedUpTo(index(8))).toBe(false);
    entries.appended(entry(8, "configuration"));
    expect(entries.isUnappliedUpTo(index(8))).toBe(true);
  });

  it("takes entries that it was not shown for configuration entries until they are applied", () => {
    const entries = new ConfigurationEntries([entry(8)], index(4));
    expect(entries.isUnappliedUpTo(index(4))).toBe(false);
    expect(entries.isUnappliedUpTo(index(5))).toBe(true);
    entries.applied(index(7));
    expect(entries.isUnappliedUpTo(index(8))).toBe(false);
  });

  it("finds the first of those that a commit covers, be it one or merely not known", () => {
    const entries = new ConfigurationEntries([entry(8), entry(9, "configuration"), entry(10)], index(4));
    expect(entries.firstBetween(index(8), index(10))).toBe(9);
    expect(entries.firstBetween(index(9), index(10))).toBeUndefined();
    expect(entries.firstBetween(index(4), index(10))).toBe(5);
    entries.applied(index(7));
    expect(entries.firstBetween(index(7), index(8))).toBeUndefined();
  });
});
