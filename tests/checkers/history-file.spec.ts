import { run as runProgram } from "../harness/child-process";
import { nodeExecutable } from "../harness/repository";
import { temporaryFolder } from "../harness/temporary-folder";
import { checkRun } from "./check-run";
import { historyLines, HistoryFormatError, keepHistory, parseHistory } from "./history-file";
import { get, log, put, unknown, version } from "./operation-builders";
import { EMPTY_RUN, type RecordedRun } from "./recorded-run";

const run: RecordedRun = {
  ...EMPTY_RUN,
  title: "a run, with a fault",
  prefixes: ["a"],
  operations: [
    put(1, [0, 1], "a\xff\0", "1", 2),
    unknown(2, 3, { kind: "put", key: "a\xff\0", value: "Infinity" }),
    {
      ...get(3, [4, 5], "a\xff\0", version("a\xff\0", "1", 2), 2),
      returnedAt: Infinity,
      outcome: { kind: "unknown", code: "" },
    },
  ],
  logs: [log("a\xff\0=1"), log("a\xff\0=1")],
  contents: [version("a\xff\0", "1", 2)],
  leases: [{ id: "7", ttlMs: 100, acknowledged: [1], keys: [], revokedAt: Infinity }],
  appliedAt: [[2, 1.5]],
  hashes: [{ member: "n1", revision: 2, compactRevision: -1, hash: 7 }],
};

describe("a history in a file", () => {
  it("is the same when it is read again", () => {
    expect(parseHistory(historyLines(run))).toEqual(run);
    expect(parseHistory(historyLines(EMPTY_RUN))).toEqual(EMPTY_RUN);
  });

  it.each([
    ["nothing", ""],
    ["another format", '{"format":"something 1"}\n'],
    ["a line that breaks off", historyLines(run).slice(0, -10)],
    ["a line that says nothing", `${historyLines(run)}{"what":1}\n`],
    ["a change of a log that is not there", `${historyLines(run)}{"log":7,"change":{}}\n`],
  ])("is refused with %s", (_name, text) => {
    expect(() => parseHistory(text)).toThrow(HistoryFormatError);
  });

  it("is kept with the command that checks it again", async () => {
    await using folder = await temporaryFolder("histories");
    process.env["QUORATE_HISTORIES"] = folder.path;
    try {
      const broken = { ...run, operations: [put(1, [0, 1], "a", "1", 2)], logs: [log("a=2")] };
      const programs = [keepHistory(run), keepHistory(broken)].map((command) => command.split(" "));
      const [good, bad] = await Promise.all(
        programs.map(([, script, path]) =>
          runProgram(nodeExecutable, [script!, path!], { timeoutMs: 20_000 }),
        ),
      );
      expect(good?.stdout).toContain("revisions: kept");
      expect(good).toMatchObject({ exitCode: 0, stderr: "" });
      expect(bad).toMatchObject({ exitCode: 1 });
      expect(bad?.stdout).toContain("revisions: broken. ");
    } finally {
      delete process.env["QUORATE_HISTORIES"];
    }
  }, 30_000);
});

describe("checkRun", () => {
  it("says apart what is kept, what is broken and what could not be checked", () => {
    const operations = Array.from({ length: 20 }, (_, at) => put(at, [0, 1], "a", `${at}`, 2 + at));
    const changes = log(...operations.map((_, at) => `a=${at}`));
    const other = changes.map((change, at) => (at === 7 ? { ...change, value: "x" } : change));
    const verdicts = checkRun({ ...EMPTY_RUN, operations, logs: [changes, other] });
    expect(verdicts.map(({ checker, kind }) => `${checker}: ${kind}`)).toEqual([
      "logs agree: broken",
      "revisions: kept",
      "revisions without log: kept",
      "linearizability: not checked",
    ]);
  });
});
