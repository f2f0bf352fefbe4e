import type { TraceContext } from "./trace-context";

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** What the span is to its trace; "internal" by default. */
  readonly kind?: "internal" | "server" | "client" | "producer" | "consumer";
  /** Other traces that this span also works for: the requests of a batch. */
  readonly links?: readonly TraceContext[];
}

/** One timed step of a sampled request. */
export interface Span {
  /** What to hand on, so that the next step becomes a child of this one. */
  readonly context: TraceContext;
  setAttribute(name: string, value: string | number | boolean): void;
  /** Marks the step as failed; it still has to be ended. */
  fail(error: unknown): void;
  /** Takes the time. Idempotent. */
  end(): void;
}

/**
 * Makes spans for the few requests that are sampled, and costs a call that returns `undefined` for all others: whether
 * a request is sampled is decided once, where it enters, before the OpenTelemetry SDK is touched. Contexts are passed
 * on explicitly; nothing follows promises or is registered globally.
 */
export interface Tracer {
  /** False: no span will ever be made. */
  readonly enabled: boolean;
  /**
   * The span of a request as it enters the system: here it is decided whether it is sampled.
   *
   * @param incoming What the client sent with it.
   * @param attributes Called only if the span is made.
   * @returns `undefined` if the request is not sampled. Hand on no context then, and nobody behind makes a span.
   */
  startRequest(
    name: string,
    incoming: TraceContext | undefined,
    attributes?: () => SpanAttributes,
    options?: SpanOptions,
  ): Span | undefined;
  /** A step of the request that `parent` belongs to; `undefined` if it is not sampled. Never begins a trace. */
  startSpan(
    name: string,
    parent: TraceContext | undefined,
    attributes?: () => SpanAttributes,
    options?: SpanOptions,
  ): Span | undefined;
}

/** For whoever does not trace. */
export const NO_TRACER: Tracer = Object.freeze({
  enabled: false,
  startRequest: () => undefined,
  startSpan: () => undefined,
});
