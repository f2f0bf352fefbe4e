import { exitCodeOf, renderFindings } from "./check-output";
import { failure, ok, warning } from "./finding";

const FINE = ok("node", "24.0.0");
const ODD = warning("members", { text: `two voters ${"and more ".repeat(12)}`.trim(), remedy: "Run three." });
const WRONG = failure("--listen-client-urls", { text: "taken", remedy: "End that one." });

describe("what a check says", () => {
  it("fails only by errors", () => {
    expect(exitCodeOf([FINE, ODD])).toBe(0);
    expect(exitCodeOf([FINE, WRONG])).toBe(1);
  });

  it("is a table that fits a terminal", () => {
    const text = Buffer.from(renderFindings([FINE, ODD, WRONG], "table")).toString();
    expect(text).toMatch(/node\s+│ ok\s+│ 24\.0\.0/);
    expect(text).toContain("Run three.");
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(125);
  });

  it("is a JSON object for programs", () => {
    expect(JSON.parse(Buffer.from(renderFindings([FINE, WRONG], "json")).toString())).toEqual({
      ok: false,
      findings: [
        { subject: "node", state: "ok", text: "24.0.0" },
        { subject: "--listen-client-urls", state: "error", text: "taken", remedy: "End that one." },
      ],
    });
  });
});
