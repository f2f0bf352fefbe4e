import type { ActorRef } from "@quorate/actor";
import type { LogIndex, Term } from "@quorate/raft";
import { encodeReadResponse } from "@quorate/wire";
import type { ApplierMessage } from "./actors/applier-actor";
import type { Asker, LeadershipView } from "./proposals";

interface Waiting extends Asker {
  readonly request: Uint8Array;
}

/** Reads on their way: first to an index at which they are linearizable, then through the apply lane to their answer. */
export class Reads {
  readonly #confirming = new Map<number, Waiting>();
  readonly #reading = new Map<number, Asker>();
  readonly #confirmations = new Map<number, (index: LogIndex | undefined) => void>();
  #nextId = 1;

  constructor(private readonly dependencies: { readonly applier: ActorRef<ApplierMessage> }) {}

  get size(): number {
    return this.#confirming.size + this.#reading.size + this.#confirmations.size;
  }

  /** @returns the id for Raft's `read-index` input. `request` is kept: it must be memory of its own. */
  open(request: Uint8Array, asker: Asker): number {
    const id = this.#takeId();
    this.#confirming.set(id, { ...asker, request });
    return id;
  }

  /**
   * Like `open`, for somebody who only wants the index.
   *
   * @param settled Called once: with the index, or with `undefined` if it could not be confirmed.
   */
  openConfirmation(settled: (index: LogIndex | undefined) => void): number {
    const id = this.#takeId();
    this.#confirmations.set(id, settled);
    return id;
  }

  confirmed(ids: readonly number[], index: LogIndex, raftTerm: Term): void {
    for (const id of ids) {
      this.#settleConfirmation(id, index);
      const waiting = this.#confirming.get(id);
      if (waiting === undefined) continue;
      this.#confirming.delete(id);
      waiting.span?.committed();
      this.#read(id, waiting.request, waiting, index, raftTerm);
    }
  }

  failed(ids: readonly number[], reason: "not-confirmed" | "overloaded", view: LeadershipView): void {
    for (const id of ids) {
      this.#settleConfirmation(id, undefined);
      const waiting = this.#confirming.get(id);
      if (waiting === undefined) continue;
      this.#confirming.delete(id);
      waiting.span?.end(reason);
      waiting.answer(encodeReadResponse({ kind: "refused", refusal: { reason, ...view } }));
    }
  }

  /** Reads applied state as it is, without asking the leader. */
  serializable(request: Uint8Array, asker: Asker, raftTerm: Term): void {
    this.#read(this.#takeId(), request, asker, 0 as LogIndex, raftTerm);
  }

  answered(id: number, response: Uint8Array): void {
    const asker = this.#reading.get(id);
    if (asker === undefined) return;
    this.#reading.delete(id);
    asker.span?.end(undefined);
    asker.answer(response);
  }

  #settleConfirmation(id: number, index: LogIndex | undefined): void {
    const settled = this.#confirmations.get(id);
    if (settled === undefined) return;
    this.#confirmations.delete(id);
    settled(index);
  }

  #read(id: number, request: Uint8Array, asker: Asker, minIndex: LogIndex, raftTerm: Term): void {
    this.#reading.set(id, asker);
    this.dependencies.applier.tell({ kind: "read", id, minIndex, raftTerm, request });
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId += 1;
    return id;
  }
}
