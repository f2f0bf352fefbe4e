import type { Advice } from "@quorate/config";

/** What one look has shown. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly subject: string;
  readonly state: "ok" | "warning" | "error";
  /** What is so; of a warning or an error also why it matters. */
  readonly text: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export function ok(subject: string, text: string): Finding {
  return { subject, state: "ok", text };
}

/** It would start, and work, and its operator would wish to have known. */
export function warning(subject: string, { text, remedy }: Advice): Finding {
  return { subject, state: "warning", text, remedy };
}

/** It would not start, or not serve. */
export function failure(subject: string, { text, remedy }: Advice): Finding {
  return { subject, state: "error", text, remedy };
}
