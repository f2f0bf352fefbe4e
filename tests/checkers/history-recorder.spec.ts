import { telling } from "./history";
import { HistoryRecorder } from "./history-recorder";

describe("HistoryRecorder", () => {
  let time: number;
  let recorder: HistoryRecorder;

  beforeEach(() => {
    time = 0;
    recorder = new HistoryRecorder(() => (time += 1));
  });

  it("takes the times of calls and answers from one clock", () => {
    const first = recorder.call(1, { kind: "put", key: "a", value: "1" });
    const second = recorder.call(2, { kind: "range", key: "a" });
    second({ kind: "ok", revision: 1, result: { kind: "range", kvs: [] } });
    first({ kind: "ok", revision: 2, result: { kind: "put" } });
    expect(
      recorder.operations.map(({ client, calledAt, returnedAt }) => [client, calledAt, returnedAt]),
    ).toEqual([
      [1, 1, 4],
      [2, 2, 3],
    ]);
  });

  it("refuses a second call of a client, and a second answer", () => {
    const answer = recorder.call(1, { kind: "range", key: "a" });
    expect(() => recorder.call(1, { kind: "range", key: "a" })).toThrow("two calls");
    answer({ kind: "unknown", code: "timeout" });
    expect(() => answer({ kind: "unknown", code: "timeout" })).toThrow("two answers");
    recorder.call(1, { kind: "range", key: "a" });
  });

  it("keeps what tells something: unknown writes never return, refusals and failed reads are gone", () => {
    recorder.call(1, { kind: "put", key: "a", value: "1" })({ kind: "unknown", code: "timeout" });
    recorder.call(1, { kind: "put", key: "a", value: "2" })({ kind: "refused", code: "no-space" });
    recorder.call(1, { kind: "range", key: "a" })({ kind: "unknown", code: "timeout" });
    recorder.call(1, { kind: "txn", compare: [], success: [{ kind: "range", key: "a" }], failure: [] });
    recorder.call(2, { kind: "put", key: "a", value: "3" });
    const told = telling(recorder.operations);
    expect(told.map(({ request, returnedAt }) => ["value" in request && request.value, returnedAt])).toEqual([
      ["1", Infinity],
      ["3", Infinity],
    ]);
  });
});
