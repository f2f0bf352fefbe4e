import { binaryString } from "@quorate/base";

/** A promise that a recorded history does not keep. */
export class HistoryViolation extends Error {
  override readonly name = "HistoryViolation";
}

/** A history, or a run, that proves nothing: too little happened, or a check came to its limits. Never a pass. */
export class NotCheckedError extends Error {
  override readonly name = "NotCheckedError";
}

/** @throws {HistoryViolation} Always. @param facts What to look at; printed as JSON. */
export function violated(what: string, facts: unknown): never {
  throw new HistoryViolation(`${what}: ${printed(facts)}`);
}

/** JSON, for people: ids in hexadecimal, bytes as text. */
export function printed(facts: unknown): string {
  return JSON.stringify(facts, (_key, value: unknown) => {
    if (typeof value === "bigint") return value.toString(16);
    if (value === Infinity) return "never";
    return value instanceof Uint8Array ? binaryString(value) : value;
  });
}
