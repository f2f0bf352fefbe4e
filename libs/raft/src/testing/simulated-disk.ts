import { invariant } from "@quorate/base";
import type { RaftEffect } from "../effect";
import type { RaftStart } from "../start";
import type { Configuration, Entry, EntryId, HardState, LogIndex, Term } from "../types";
import { configurationAfter } from "./configuration-data";

export type PersistEffect = Extract<RaftEffect, { kind: "persist" }>;

/** What survives a crash of a member in specs: only writes that completed. */
export class SimulatedDisk {
  readonly #founding: Configuration;
  #hardState: HardState = { term: 0 as Term, vote: undefined, commit: 0 as LogIndex };
  #entries: Entry[] = [];
  /** Counts starts; written at each, as a real store does. */
  incarnation = 0;
  /** What the state machine keeps over a crash. */
  applied = 0 as LogIndex;

  /** @param founding The configuration before any entry. */
  constructor(founding: Configuration) {
    this.#founding = founding;
  }

  /** What the state machine has made of the entries that it applied. */
  get configuration(): Configuration {
    return configurationAfter(this.#founding, this.#entries.slice(0, this.applied));
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  write(effect: PersistEffect): void {
    if (effect.truncateFrom !== undefined) this.#entries.length = effect.truncateFrom - 1;
    for (const entry of effect.entries) {
      invariant(entry.index === this.#entries.length + 1, "what is written continues what is on disk", {
        index: entry.index,
      });
      this.#entries.push(entry);
    }
    if (effect.hardState !== undefined) this.#hardState = effect.hardState;
  }

  read(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#entries.slice(from - 1, to)) {
      bytes += entry.data.length;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  /** @param tailMax How many of the newest entries are loaded at once. */
  start(tailMax: number): RaftStart {
    const termRuns: EntryId[] = [];
    for (const { term, index } of this.#entries) {
      if (termRuns[termRuns.length - 1]?.term !== term) termRuns.push({ term, index });
    }
    return {
      hardState: this.#hardState,
      configuration: this.configuration,
      compacted: { term: 0 as Term, index: 0 as LogIndex },
      compactedChain: 0,
      termRuns,
      tail: this.#entries.slice(-tailMax),
      applied: this.applied,
    };
  }
}
