import { Deque, invariant, type Prng } from "@quorate/base";
import { crcChainHash } from "../chain-hash";
import type { RaftEffect } from "../effect";
import type { RaftInput } from "../input";
import type { RaftOptions } from "../options";
import { Raft } from "../raft";
import type { Configuration, Entry, LogIndex, MemberId } from "../types";
import { type PersistEffect, SimulatedDisk } from "./simulated-disk";

export interface SimulatedMemberOptions extends RaftOptions {
  readonly configuration: Configuration;
  /** How many of the newest entries are loaded at a start. */
  readonly tailMax: number;
}

export interface SimulatedMemberDependencies {
  readonly prng: Prng;
  /** Sees each effect when the core gives it. */
  readonly observe: (effect: RaftEffect) => void;
}

/**
 * A core with a shell in slow motion: writes, applies and fetches wait until the test completes them. What the test
 * does not complete before a crash is lost.
 */
export class SimulatedMember {
  readonly id: MemberId;
  readonly disk: SimulatedDisk;
  readonly writes = new Deque<PersistEffect>();
  readonly applies = new Deque<readonly Entry[]>();
  readonly fetches = new Deque<Extract<RaftEffect, { kind: "fetch" }>>();
  readonly #options: SimulatedMemberOptions;
  readonly #dependencies: SimulatedMemberDependencies;
  #raft: Raft | undefined;

  constructor(options: SimulatedMemberOptions, dependencies: SimulatedMemberDependencies) {
    this.id = options.memberId;
    this.disk = new SimulatedDisk(options.configuration);
    this.#options = options;
    this.#dependencies = dependencies;
  }

  get running(): boolean {
    return this.#raft !== undefined;
  }

  get raft(): Raft {
    invariant(this.#raft !== undefined, "the member runs", { id: this.id });
    return this.#raft;
  }

  start(): void {
    this.disk.incarnation += 1;
    const dependencies = { prng: this.#dependencies.prng, chainHash: crcChainHash };
    this.#raft = new Raft(this.#options, this.disk.start(this.#options.tailMax), dependencies);
    this.turn();
  }

  /** @param applied What the state machine still holds when it comes back. */
  crash(applied: LogIndex = this.disk.applied): void {
    this.#raft = undefined;
    this.writes.drain();
    this.applies.drain();
    this.fetches.drain();
    this.disk.applied = applied;
  }

  /** Steps all of `inputs` in one turn. */
  step(...inputs: readonly RaftInput[]): void {
    for (const input of inputs) this.raft.step(input);
    this.turn();
  }

  turn(): void {
    for (const effect of this.raft.takeEffects()) {
      this.#dependencies.observe(effect);
      if (effect.kind === "persist") this.writes.push(effect);
      else if (effect.kind === "apply") this.applies.push(effect.entries);
      else if (effect.kind === "fetch") this.fetches.push(effect);
    }
  }

  /** @returns Whether there was a write to complete. */
  completeWrite(): boolean {
    const write = this.writes.shift();
    if (write === undefined) return false;
    this.disk.write(write);
    this.step({ kind: "persisted", id: write.id });
    return true;
  }

  /** @returns Whether there was a batch to apply. */
  completeApply(): boolean {
    const entries = this.applies.shift();
    if (entries === undefined) return false;
    const index = (this.disk.applied = entries[entries.length - 1]!.index);
    if (entries.some(({ type }) => type === "configuration")) {
      this.step({ kind: "applied", index, configuration: this.disk.configuration });
    } else this.step({ kind: "applied", index });
    return true;
  }

  /** @returns Whether there was a fetch to answer. */
  completeFetch(): boolean {
    const fetch = this.fetches.shift();
    if (fetch === undefined) return false;
    const entries = this.disk.read(fetch.from, fetch.to, fetch.bytesMax);
    this.step({ kind: "fetched", from: fetch.from, entries });
    return true;
  }
}
