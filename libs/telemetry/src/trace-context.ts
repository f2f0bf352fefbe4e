import type { Brand } from "@quorate/base";
import type { Headers } from "@quorate/transport";

/**
 * Where in which trace something happens, as W3C Trace Context writes it: `00-<trace id>-<span id>-<flags>`. A plain
 * string, so that it crosses message headers and worker threads as it is.
 */
export type TraceContext = Brand<string, "TraceContext">;

export interface TraceIds {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether whoever began the trace wants its spans recorded. */
  readonly sampled: boolean;
}

/** The header that carries a context, in NATS messages, gRPC metadata and HTTP alike. */
export const TRACE_HEADER = "traceparent";

// Later versions may add fields at the end, which readers of version 00 ignore.
const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** `undefined` if `text` is no valid `traceparent`: a trace is then begun anew, as the standard demands. */
export function parseTraceContext(text: string | undefined): TraceContext | undefined {
  return text !== undefined && traceIdsOf(text) !== undefined ? (text as TraceContext) : undefined;
}

export function formatTraceContext({ traceId, spanId, sampled }: TraceIds): TraceContext {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}` as TraceContext;
}

export function traceIdsOf(text: string): TraceIds | undefined {
  const [, version, traceId, spanId, flags, rest] = PATTERN.exec(text) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined)
    return undefined;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** Headers for a message sent on behalf of `context`; `undefined`, which costs the broker nothing, without one. */
export function traceHeaders(context: TraceContext | undefined): Headers | undefined {
  return context === undefined ? undefined : { [TRACE_HEADER]: context };
}

/** What the sender of a message put there with {@link traceHeaders}. */
export function traceContextOf(headers: Headers | undefined): TraceContext | undefined {
  return headers === undefined ? undefined : parseTraceContext(headers[TRACE_HEADER]);
}
