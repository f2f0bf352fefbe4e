import type { ActorRef } from "@quorate/actor";
import { assertNever, EMPTY_BYTES, type Clock, type Timer } from "@quorate/base";
import type { HashRun, Revision } from "@quorate/mvcc";
import type { Term } from "@quorate/raft";
import { encodeReadResponse, failureOf, type ResponseEncoder, type Result } from "@quorate/wire";
import type { AppliedState } from "./snapshot/applied-state";
import type { ApplierMessage, CompactionReport, MaintenanceReport } from "./actors/applier-actor";

export interface BackgroundWorkOptions {
  /** What one step does at the most, in rows of ordinary size, and the pause between steps in milliseconds. */
  readonly stepWork: number;
  readonly stepPauseMs: number;
}

/** A step takes one or two milliseconds: `background-work.bench.ts` shows what those who wait notice of it. */
export const BACKGROUND_WORK_DEFAULTS: BackgroundWorkOptions = { stepWork: 250, stepPauseMs: 4 };

export interface BackgroundWorkDependencies {
  /** Asked for its store and machine at each step: a snapshot takes the place of both. */
  readonly state: Pick<AppliedState, "store" | "stateMachine">;
  readonly encoder: ResponseEncoder;
  readonly reports: ActorRef<CompactionReport | MaintenanceReport>;
  readonly clock: Clock;
}

type MaintenanceMessage = Extract<ApplierMessage, { kind: "maintenance" }>;

/** Hashes that may wait for the one that is being made; further ones are refused as overloaded. */
const HASHES_MAX = 8;

interface HashJob {
  readonly message: MaintenanceMessage & {
    readonly query: { readonly kind: "hash" | "hash-kv" | "hash-state" };
  };
  readonly deadline: number;
}

/** The hash that is being made, and how it is answered. */
interface RunningHash {
  readonly run: HashRun;
  readonly job: HashJob;
  readonly encode: (hash: number) => Uint8Array;
}

interface Waiter {
  readonly id: number;
  readonly revision: Revision;
  /** Ends the waiting, whether or not this member ever comes to compact. */
  readonly timeout: Timer;
}

/**
 * What the apply lane does beside its work, a step at a time: physical compaction and hashes. Between two steps is a pause in
 * which batches are applied and reads answered, so that these wait for one step at the most. Both advance in turns.
 *
 * A compaction that a restart interrupted goes on; hashes are forgotten. Nobody's batch of writes waits for either.
 */
export class BackgroundWork {
  #compacting: boolean;
  readonly #hashes: HashJob[] = [];
  #hash: RunningHash | undefined;
  readonly #waiters = new Set<Waiter>();
  #scheduled = false;
  #hashNext = false;
  #isPaused = false;

  constructor(
    private readonly options: BackgroundWorkOptions,
    private readonly dependencies: BackgroundWorkDependencies,
  ) {
    this.#compacting = true; // whether there is anything to go on with, the first step finds out
    this.#schedule();
  }

  /** The store was compacted logically. */
  compact(): void {
    this.#compacting = true;
    this.#schedule();
  }

  /** The state is about to be another one: lets go of it. A hash that was being made is begun anew on the next one. */
  pause(): void {
    this.#isPaused = true;
    if (this.#hash === undefined) return;
    this.#hash.run[Symbol.dispose]();
    this.#hashes.unshift(this.#hash.job);
    this.#hash = undefined;
  }

  /** There is a state again, whether or not it is another one. */
  resume(): void {
    this.#isPaused = false;
    this.compact();
    this.#answerWaiters();
  }

  ask(message: MaintenanceMessage): void {
    const { query, id, timeoutMs } = message;
    const deadline = this.dependencies.clock.now() + timeoutMs;
    switch (query.kind) {
      case "compacted": {
        const timeout = this.dependencies.clock.setTimer(timeoutMs, () => {
          this.#waiters.delete(waiter);
          this.#answer(id, TOO_LATE);
        });
        const waiter: Waiter = { id, revision: query.revision, timeout };
        this.#waiters.add(waiter);
        this.#answerWaiters();
        return;
      }
      case "hash":
      case "hash-kv":
      case "hash-state":
        if (this.#hashes.length >= HASHES_MAX) return this.#refuse(message);
        this.#hashes.push({ message: { ...message, query }, deadline });
        return this.#schedule();
      default:
        assertNever(query);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.dependencies.clock.setTimer(this.options.stepPauseMs, () => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#isPaused) return;
    const hashing = this.#hash !== undefined || this.#hashes.length > 0;
    if (hashing && (this.#hashNext || !this.#compacting)) this.#hashStep();
    else if (this.#compacting) this.#compactionStep();
    this.#hashNext = !this.#hashNext;
    if (this.#compacting || this.#hash !== undefined || this.#hashes.length > 0) this.#schedule();
  }

  #compactionStep(): void {
    const { state, reports } = this.dependencies;
    const { stateMachine, store } = state;
    const batch = store.batch();
    const before = stateMachine.physicallyCompacted;
    this.#compacting = stateMachine.compactStep(batch, this.options.stepWork);
    // Whoever waited is told of nothing that a crash takes back, as in etcd.
    const isAwaited = stateMachine.physicallyCompacted > before && this.#waiters.size > 0;
    if (batch.size > 0) {
      batch.write({ sync: isAwaited });
      reports.tell({ kind: "store-compacted", condition: stateMachine.condition });
    }
    this.#answerWaiters();
  }

  #answerWaiters(): void {
    if (this.#isPaused) return;
    for (const waiter of this.#waiters) {
      if (waiter.revision > this.dependencies.state.stateMachine.physicallyCompacted) continue;
      this.#waiters.delete(waiter);
      waiter.timeout.cancel();
      this.#answer(waiter.id, { ok: true, bytes: EMPTY_BYTES });
    }
  }

  #hashStep(): void {
    this.#hash ??= this.#beginHash();
    if (this.#hash === undefined) return;
    const { run, job, encode } = this.#hash;
    const isLate = this.dependencies.clock.now() >= job.deadline;
    const hash = isLate ? undefined : run.step(this.options.stepWork);
    if (hash === undefined && !isLate) return;
    run[Symbol.dispose]();
    this.#hash = undefined;
    this.#answer(job.message.id, hash === undefined ? TOO_LATE : { ok: true, bytes: encode(hash) });
  }

  /** @returns `undefined` if the request was answered at once. */
  #beginHash(): RunningHash | undefined {
    const { encoder } = this.dependencies;
    const { stateMachine } = this.dependencies.state;
    const job = this.#hashes.shift()!;
    const { query, id, raftTerm } = job.message;
    if (query.kind === "hash") {
      const { revision } = stateMachine.position;
      const run = stateMachine.hash();
      return { run, job, encode: (hash) => encoder.hash({ revision, hash }, raftTerm) };
    }
    const begun =
      query.kind === "hash-kv" ? stateMachine.hashKv(query.revision) : stateMachine.hashState(query.revision);
    if (!begun.ok) {
      this.#answer(id, { ok: false, failure: failureOf(begun.error) });
      return undefined;
    }
    const { run, upTo, at } = begun;
    const { revision, compactRevision } = at;
    const encode = (hash: number): Uint8Array =>
      encoder.hashKv({ revision, hash, compactRevision, upTo }, raftTerm);
    return { run, job, encode };
  }

  #answer(id: number, result: Result): void {
    const response = encodeReadResponse({ kind: "results", results: [result] });
    this.dependencies.reports.tell({ kind: "maintenance-result", id, response });
  }

  #refuse({ id, raftTerm: term }: { readonly id: number; readonly raftTerm: Term }): void {
    const refusal = { reason: "overloaded", term, leader: undefined } as const;
    const response = encodeReadResponse({ kind: "refused", refusal });
    this.dependencies.reports.tell({ kind: "maintenance-result", id, response });
  }
}

/** Said for the sake of the bookkeeping: nobody waits for it. */
const TOO_LATE: Result = { ok: false, failure: { code: "internal", detail: "not done in time" } };
