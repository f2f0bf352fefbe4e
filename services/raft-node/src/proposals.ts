import type { EntryId, LogIndex, MemberId, RefusalReason, Term } from "@quorate/raft";
import type { TraceContext } from "@quorate/telemetry";
import { encodeProposeResponse, type AnswerAs, type RefusalReason as WireReason } from "@quorate/wire";
import type { Answer } from "./actors/applier-actor";
import type { RequestSpan } from "./request-span";

/** Who asked, and how to answer. Called once at the most; not at all when the outcome is not known here. */
export interface Asker {
  readonly answer: (response: Uint8Array) => void;
  readonly span: RequestSpan | undefined;
  readonly answerAs?: AnswerAs;
}

/** An entry whose answer this member owes. */
export interface Owed {
  readonly index: LogIndex;
  readonly answerAs: AnswerAs;
}

interface Pending extends Asker {
  readonly term: Term;
}

/** What a refusal tells the gateway, so that it can find the leader. */
export interface LeadershipView {
  readonly term: Term;
  readonly leader: MemberId | undefined;
}

/**
 * Proposals that this member accepted as leader, from their place in the log to their answer. An entry applied at the
 * index with the term of the proposal is the proposal; one with another term took its place, so it is certain that the
 * proposal has no effect.
 */
export class Proposals {
  readonly #opened = new Map<number, Asker>();
  /**
   * By index, in the order of their terms. There is more than one where this member lost its entry and came to lead again:
   * until the index is committed, another member may still hold the older entry and bring it through (thesis §3.6.2), so
   * its outcome stays open.
   */
  readonly #pending = new Map<LogIndex, Pending[]>();
  /** Sampled proposals on their way to this member's disk; empty unless requests are traced. */
  #unsynced: { readonly index: LogIndex; readonly span: RequestSpan; persistId: number | undefined }[] = [];
  #nextId = 1;

  get size(): number {
    return this.#opened.size + this.#pending.size;
  }

  /** @returns the id for Raft's `propose` input. */
  open(asker: Asker): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#opened.set(id, asker);
    return id;
  }

  accepted(id: number, index: LogIndex, term: Term): void {
    const opened = this.#opened.get(id);
    if (opened === undefined) return;
    this.#opened.delete(id);
    const rivals = this.#pending.get(index);
    if (rivals === undefined) this.#pending.set(index, [{ ...opened, term }]);
    else rivals.push({ ...opened, term });
    if (opened.span === undefined) return;
    opened.span.appended(index);
    this.#unsynced.push({ index, span: opened.span, persistId: undefined });
  }

  /** The write `persistId` was handed to the log writer; it holds entries up to `last`. */
  syncBegins(persistId: number, last: LogIndex): void {
    for (const waiting of this.#unsynced) {
      if (waiting.persistId !== undefined || waiting.index > last) continue;
      waiting.persistId = persistId;
      waiting.span.syncBegins();
    }
  }

  /** The write `persistId` and all before it are durable. */
  synced(persistId: number): void {
    if (this.#unsynced.length === 0) return;
    const isDone = (waiting: { readonly persistId: number | undefined }): boolean =>
      waiting.persistId !== undefined && waiting.persistId <= persistId;
    for (const waiting of this.#unsynced) if (isDone(waiting)) waiting.span.synced();
    this.#unsynced = this.#unsynced.filter((waiting) => !isDone(waiting));
  }

  refused(id: number, reason: RefusalReason, view: LeadershipView): void {
    const opened = this.#opened.get(id);
    if (opened === undefined) return;
    this.#opened.delete(id);
    opened.span?.end(`refused: ${reason}`);
    opened.answer(refusalOf(reason, view));
  }

  /** Of the committed entries about to be applied, those whose answers are owed here. */
  owed(entries: readonly EntryId[]): Owed[] {
    const owed: Owed[] = [];
    for (const entry of entries) {
      const rivals = this.#pending.get(entry.index);
      if (rivals === undefined) continue;
      const winner = rivals.find((pending) => pending.term === entry.term);
      for (const pending of rivals) if (pending !== winner) supersede(pending);
      if (winner === undefined) this.#pending.delete(entry.index);
      else {
        winner.span?.committed();
        this.#pending.set(entry.index, [winner]);
        owed.push({ index: entry.index, answerAs: winner.answerAs });
      }
    }
    return owed;
  }

  /** Part of a snapshot: what became of them is not known here, so nothing is said. */
  forgetUpTo(index: LogIndex): void {
    for (const [pending, rivals] of this.#pending) {
      if (pending > index) continue;
      for (const { span } of rivals) span?.end("unknown: part of a snapshot");
      this.#pending.delete(pending);
    }
  }

  /** The trace of one of the proposals that `answers` are for, if any is sampled. */
  traceOf(answers: readonly Answer[]): TraceContext | undefined {
    for (const { index } of answers) {
      const span = this.#pending.get(index)?.[0]?.span;
      if (span !== undefined) return span.context;
    }
    return undefined;
  }

  answered(answers: readonly Answer[]): void {
    for (const { index, response } of answers) {
      const winner = this.#pending.get(index)?.[0];
      if (winner === undefined) continue;
      this.#pending.delete(index);
      winner.span?.end(undefined);
      winner.answer(response);
    }
  }
}

function supersede(pending: Pending): void {
  pending.span?.end("superseded");
  pending.answer(refusal("superseded", { term: 0 as Term, leader: undefined }));
}

/** What the core's reasons mean to whoever asked. */
function refusalOf(reason: RefusalReason, view: LeadershipView): Uint8Array {
  switch (reason) {
    case "transferring":
      // Somebody else is about to lead: asking around finds out who, and until then this member is not it.
      return refusal("not-leader", { term: view.term, leader: undefined });
    case "not-established":
      return refusal("configuration-pending", view);
    default:
      return refusal(reason, view);
  }
}

export function refusal(reason: WireReason, view: LeadershipView): Uint8Array {
  return encodeProposeResponse({
    kind: "refused",
    refusal: { reason, term: view.term, leader: view.leader },
  });
}
