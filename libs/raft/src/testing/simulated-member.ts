import { assertNever, Deque, invariant, type Prng } from "@quorate/base";
import { crcChainHash } from "../chain-hash";
import type { RaftEffect } from "../effect";
import type { RaftInput } from "../input";
import type { RaftOptions } from "../options";
import { Raft } from "../raft";
import type { Configuration, Entry, LogIndex, MemberId, Term } from "../types";
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

type SnapshotEffect = Extract<
  RaftEffect,
  { kind: "compact" | "open-snapshot" | "fetch-snapshot" | "install-snapshot" }
>;

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
  /** Snapshots to open, fetch and install, and logs to compact, in the order asked. */
  readonly snapshotWork = new Deque<SnapshotEffect>();
  /** The views of the state that are open: their names, by receiver. */
  readonly #views = new Map<MemberId, number>();
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
    this.snapshotWork.drain();
    this.#views.clear();
    this.disk.crash(applied);
  }

  /**
   * Lets the disk finish some of what it was handed, in every lane, without the core's hearing of it: a crash must follow.
   *
   * @returns Whether there was anything to finish.
   */
  reachDisk(counts: { readonly writes: number; readonly applies: number }): boolean {
    const [writes, applies] = [this.writes.drain(), this.applies.drain()];
    for (const write of writes.slice(0, counts.writes)) this.disk.write(write);
    for (const entries of applies.slice(0, counts.applies))
      if (entries[0]!.index > this.disk.applied) this.disk.apply(entries);
    const work = this.snapshotWork.peek();
    if (work?.kind === "compact" && counts.applies > 0) this.disk.compact(work.upTo, work.configuration);
    return writes.length + applies.length > 0;
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
      else if (effect.kind === "discard-snapshot") this.disk.staged = undefined;
      else if (effect.kind === "close-snapshot") this.#views.delete(effect.to);
      else if (
        effect.kind === "compact" ||
        effect.kind === "open-snapshot" ||
        effect.kind === "fetch-snapshot" ||
        effect.kind === "install-snapshot"
      ) {
        this.snapshotWork.push(effect);
      }
    }
  }

  /** Whether the shell has anything to do for it. */
  get hasWork(): boolean {
    return [this.writes, this.applies, this.fetches, this.snapshotWork].some(({ size }) => size > 0);
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
    if (entries[0]!.index <= this.disk.applied) return true; // a snapshot has overtaken it
    this.disk.apply(entries);
    const index = this.disk.applied;
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

  /** What is applied survives any crash from now on. */
  syncState(): void {
    this.step({ kind: "applied-durably", index: this.disk.applied });
  }

  /**
   * Does what is next of: removing a part of the log, opening a view of the state, fetching a snapshot (`succeeds`: all of it),
   * installing it.
   *
   * @returns Whether there was something to do.
   */
  completeSnapshotWork(succeeds = true): boolean {
    const work = this.snapshotWork.shift();
    if (work === undefined) return false;
    switch (work.kind) {
      case "compact": {
        this.disk.compact(work.upTo, work.configuration);
        const { term, index, chain } = this.disk.compacted;
        this.step({ kind: "compacted", at: { term, index }, chain });
        return true;
      }
      case "open-snapshot": {
        const { to, transfer } = work;
        const { applied: index, configuration } = this.disk;
        this.#views.set(to, transfer);
        const at = { index, term: this.#termOfApplied(), configuration };
        this.step({ kind: "snapshot-opened", to, transfer, at });
        return true;
      }
      case "fetch-snapshot": {
        const { transfer, snapshot } = work;
        if (succeeds) this.disk.staged = snapshot.index;
        this.step({ kind: succeeds ? "snapshot-staged" : "snapshot-failed", transfer });
        return true;
      }
      case "install-snapshot":
        this.disk.install();
        this.applies.drain();
        this.step({ kind: "snapshot-installed", index: work.index });
        return true;
      default:
        return assertNever(work);
    }
  }

  /** Views that nobody reads for long are closed. */
  giveUpViews(): void {
    const views = [...this.#views];
    this.#views.clear();
    this.step(...views.map(([to, transfer]) => ({ kind: "snapshot-closed", to, transfer }) as const));
  }

  #termOfApplied(): Term {
    const { applied, compacted, entries } = this.disk;
    return applied === compacted.index ? compacted.term : entries[applied - compacted.index - 1]!.term;
  }
}
