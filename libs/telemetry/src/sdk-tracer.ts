import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
  type Context,
  type Span as ApiSpan,
  type SpanContext,
  type Tracer as ApiTracer,
} from "@opentelemetry/api";
import type { Sampler } from "./sampling";
import { formatTraceContext, traceIdsOf, type TraceContext } from "./trace-context";
import type { Span, SpanAttributes, SpanOptions, Tracer } from "./tracer";

/** Makes spans with an OpenTelemetry tracer that records everything: what is not sampled does not get that far. */
export class SdkTracer implements Tracer {
  readonly enabled = true;
  readonly #tracer: ApiTracer;
  readonly #sampler: Sampler;

  constructor(dependencies: { readonly tracer: ApiTracer; readonly sampler: Sampler }) {
    this.#tracer = dependencies.tracer;
    this.#sampler = dependencies.sampler;
  }

  startRequest(
    name: string,
    incoming: TraceContext | undefined,
    attributes?: () => SpanAttributes,
    options?: SpanOptions,
  ): Span | undefined {
    if (!this.#sampler(incoming)) return undefined;
    return this.#start(name, incoming, attributes, options);
  }

  startSpan(
    name: string,
    parent: TraceContext | undefined,
    attributes?: () => SpanAttributes,
    options?: SpanOptions,
  ): Span | undefined {
    if (parent === undefined || traceIdsOf(parent)?.sampled !== true) return undefined;
    return this.#start(name, parent, attributes, options);
  }

  #start(
    name: string,
    parent: TraceContext | undefined,
    attributes: (() => SpanAttributes) | undefined,
    options: SpanOptions | undefined,
  ): Span {
    const span = this.#tracer.startSpan(
      name,
      {
        kind: KINDS[options?.kind ?? "internal"],
        attributes: attributes?.() ?? {},
        links: (options?.links ?? [])
          .flatMap((link) => spanContextOf(link) ?? [])
          .map((context) => ({ context })),
      },
      parentContext(parent),
    );
    return new SdkSpan(span);
  }
}

class SdkSpan implements Span {
  readonly context: TraceContext;
  readonly #span: ApiSpan;
  #ended = false;

  constructor(span: ApiSpan) {
    const { traceId, spanId } = span.spanContext();
    this.context = formatTraceContext({ traceId, spanId, sampled: true });
    this.#span = span;
  }

  setAttribute(name: string, value: string | number | boolean): void {
    this.#span.setAttribute(name, value);
  }

  fail(error: unknown): void {
    const exception = error instanceof Error ? error : String(error);
    this.#span.recordException(exception);
    this.#span.setStatus({
      code: SpanStatusCode.ERROR,
      message: exception instanceof Error ? exception.message : exception,
    });
  }

  end(): void {
    if (this.#ended) return; // the SDK would log a warning
    this.#ended = true;
    this.#span.end();
  }
}

const KINDS: Readonly<Record<NonNullable<SpanOptions["kind"]>, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

function parentContext(parent: TraceContext | undefined): Context {
  const remote = parent === undefined ? undefined : spanContextOf(parent);
  return remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
}

function spanContextOf(context: TraceContext): SpanContext | undefined {
  const ids = traceIdsOf(context);
  if (ids === undefined) return undefined;
  const traceFlags = ids.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId: ids.traceId, spanId: ids.spanId, traceFlags, isRemote: true };
}
