/** Things that a set of runs must have reached, or its silence would prove nothing. */
export const OCCURRENCES = [
  "election",
  "commit",
  "truncation",
  "fetch",
  "read",
  "forwarded read",
  "loss at crash",
  "write that nobody was told of",
  "crash between messages",
  "refusal",
  "change",
  "joint change",
  "change refused",
  "leader removed",
  "member retired",
  "shrunk to one",
  "transfer",
  "transfer failed",
  "compaction",
  "snapshot",
  "snapshot over a change",
  "damaged state",
  "lost entries",
  "repair",
  "decided without a minority",
] as const;

export type Occurrence = (typeof OCCURRENCES)[number];

/** How often each happened. */
export class OccurrenceCount {
  readonly #counts = new Map<Occurrence, number>();

  note(occurrence: Occurrence): void {
    this.#counts.set(occurrence, this.of(occurrence) + 1);
  }

  of(occurrence: Occurrence): number {
    return this.#counts.get(occurrence) ?? 0;
  }
}
