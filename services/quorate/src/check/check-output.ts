import { jsonLine, table } from "../kv/output-format";
import type { Finding } from "./finding";

/** 0: it may be started, warnings or not. 1: it would fail. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 {
  return findings.some(({ state }) => state === "error") ? 1 : 0;
}

export function renderFindings(findings: readonly Finding[], format: "table" | "json"): Uint8Array {
  if (format === "json")
    return jsonLine({
      ok: exitCodeOf(findings) === 0,
      findings: findings.map(({ subject, state, text, remedy }) => ({ subject, state, text, remedy })),
    });
  const rows = findings.map(({ subject, state, text, remedy }) => [
    subject,
    state,
    wrapped(remedy === undefined ? text : `${text}.\n${remedy}`),
  ]);
  return table(["WHAT", "STATE", "WHY, AND WHAT TO DO"], rows);
}

const WIDTH = 80;

/** Lines of up to {@link WIDTH} characters, longer words whole. */
function wrapped(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(new RegExp(`(?![^\\n]{1,${WIDTH}}$)([^\\n]{1,${WIDTH}})\\s`, "g"), "$1\n"))
    .join("\n");
}
