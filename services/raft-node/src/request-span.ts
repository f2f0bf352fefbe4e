import type { LogIndex } from "@quorate/raft";
import { traceContextOf, type Span, type TraceContext, type Tracer } from "@quorate/telemetry";
import type { Headers } from "@quorate/transport";

/** The name of the step that ends when a request is committed (a proposal) or confirmed by a quorum (a read). */
export type AgreementStep = "replicate" | "confirm";

/**
 * The trace of one sampled request through this node: a span for the whole, and one for each step it waits for. Absent for
 * all other requests, so that tracing costs an `undefined` check when it is off.
 */
export class RequestSpan {
  #step: Span | undefined;
  #sync: Span | undefined;

  constructor(
    private readonly tracer: Tracer,
    private readonly whole: Span,
    private readonly agreement: AgreementStep,
  ) {
    this.#step = tracer.startSpan(agreement, whole.context);
  }

  /** For those who work on because of this request. */
  get context(): TraceContext {
    return this.whole.context;
  }

  /** The leader put it into its log at `index`. */
  appended(index: LogIndex): void {
    this.whole.setAttribute("raft.index", index);
  }

  /** The log writer was handed the write that holds it. */
  syncBegins(): void {
    this.#sync = this.tracer.startSpan("fsync", this.whole.context);
  }

  /** It is durable on this member; others may be quicker or slower. */
  synced(): void {
    this.#sync?.end();
  }

  /** A majority has it: what remains is to apply and answer. */
  committed(): void {
    this.#step?.end();
    this.#step = this.tracer.startSpan(this.agreement === "replicate" ? "apply" : "read", this.whole.context);
  }

  /** @param error Why it was refused, if it was. */
  end(error: string | undefined): void {
    if (error !== undefined) this.whole.fail(error);
    this.#sync?.end();
    this.#step?.end();
    this.whole.end();
  }
}

/** @returns undefined unless the sender sampled the request. */
export function startRequestSpan(
  tracer: Tracer,
  name: "propose" | "read" | "lease",
  headers: Headers | undefined,
): RequestSpan | undefined {
  if (!tracer.enabled || headers === undefined) return undefined;
  const span = tracer.startSpan(`raft-node ${name}`, traceContextOf(headers), undefined, { kind: "server" });
  return span && new RequestSpan(tracer, span, name === "propose" ? "replicate" : "confirm");
}

/** For what a node proposes by itself: a trace of its own. @returns undefined unless it is sampled. */
export function startOwnSpan(tracer: Tracer, name: string): RequestSpan | undefined {
  if (!tracer.enabled) return undefined;
  const span = tracer.startRequest(`raft-node ${name}`, undefined);
  return span && new RequestSpan(tracer, span, "replicate");
}
