import { renderLogLine } from "./log-line";

const options = { color: false, nameWidth: 8 };
const time = new Date(2024, 0, 31, 10, 20, 30, 5).getTime();

describe("renderLogLine", () => {
  it("shows time, name, level, message and fields of a line of pino's", () => {
    const line = JSON.stringify({
      level: 30,
      time,
      pid: 7,
      hostname: "h",
      term: 3,
      peers: ["n2"],
      msg: "became leader",
    });
    expect(renderLogLine("n1", line, options)).toBe(
      '10:20:30.005 n1       info  became leader term=3 peers=["n2"]',
    );
  });

  it("understands levels and times that are text", () => {
    const iso = new Date(time).toISOString();
    const line = JSON.stringify({
      level: "warn",
      time: iso,
      service: "raft-node",
      name: "n1",
      message: "slow disk",
      ms: 40,
    });
    expect(renderLogLine("n1", line, options)).toBe("10:20:30.005 n1       warn  slow disk ms=40");
  });

  it("shows what went wrong, without its stack", () => {
    const line = JSON.stringify({
      level: 50,
      time,
      err: { message: "no space", stack: "Error: no space\n at x" },
      msg: "stop",
    });
    expect(renderLogLine("n1", line, options)).toBe('10:20:30.005 n1       error stop error="no space"');
  });

  it("cuts long fields and shows only some of many", () => {
    const fields = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at}`, at]));
    const line = JSON.stringify({ level: 30, time, long: "x".repeat(500), ...fields, msg: "m" });
    const rendered = renderLogLine("n1", line, options)!;
    expect(rendered.length).toBeLessThan(200);
    expect(rendered).toContain("…");
    expect(rendered).not.toContain("f19");
  });

  it("shows the broker's warnings and leaves its daily reports to the file", () => {
    const line = (level: string): string => `[42] 2024/01/31 10:20:30.005123 [${level}] Slow consumer`;
    expect(renderLogLine("broker1", line("INF"), options)).toBeUndefined();
    expect(renderLogLine("broker1", line("WRN"), options)).toBe("10:20:30.005 broker1  warn  Slow consumer");
  });

  it.each(["plain text", "{ not json", "{}x"])("shows %p as it is", (line) => {
    expect(renderLogLine("n1", line, options)).toBe(`             n1             ${line}`);
  });

  it("leaves out empty lines", () => {
    expect(renderLogLine("n1", "  ", options)).toBeUndefined();
  });

  it("colours the level only", () => {
    const line = JSON.stringify({ level: 40, time, msg: "m" });
    expect(renderLogLine("n1", line, { ...options, color: true })).toContain("\u001b[33mwarn \u001b[0m m");
  });
});
