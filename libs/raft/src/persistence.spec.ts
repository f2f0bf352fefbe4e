import { Persistence } from "./persistence";
import type { Entry, HardState, LogIndex, Term } from "./types";

const hardState: HardState = { term: 3 as Term, vote: undefined, commit: 0 as LogIndex };

function entry(index: number): Entry {
  return { index: index as LogIndex, term: 3 as Term, type: "command", data: new Uint8Array(0), chain: 0 };
}

describe("Persistence", () => {
  it("takes back all claims when the log begins anew behind a snapshot", () => {
    const persistence = new Persistence(8 as LogIndex, hardState);
    persistence.append(entry(9));
    persistence.take(hardState);
    const configuration = { incoming: [], outgoing: [], learners: [] };
    const snapshot = { term: 3 as Term, index: 5 as LogIndex, chain: 0, configuration };
    persistence.restart({ snapshot, keepsEntries: false });
    persistence.take(hardState);
    persistence.append(entry(6));
    persistence.take(hardState);

    // The old log was longer; what it held durably says nothing about the new one.
    expect(persistence.durable).toBe(0);
    persistence.complete(1);
    expect(persistence.durable).toBe(0);
    persistence.complete(2);
    expect(persistence.durable).toBe(5);
    persistence.complete(3);
    expect(persistence.durable).toBe(6);
  });

  it("knows which commits of changes a crash would take back: each until a write that was begun after it is done", () => {
    const persistence = new Persistence(3 as LogIndex, hardState);
    persistence.append(entry(4));
    persistence.take(hardState);
    persistence.commitMatters(2 as LogIndex);
    persistence.take({ ...hardState, commit: 2 as LogIndex });
    persistence.commitMatters(3 as LogIndex);
    persistence.take({ ...hardState, commit: 3 as LogIndex });

    persistence.complete(1);
    expect(persistence.firstUnsettled).toBe(2);
    persistence.complete(2);
    expect(persistence.firstUnsettled).toBe(3);
    persistence.complete(3);
    expect(persistence.firstUnsettled).toBeUndefined();
  });
});
