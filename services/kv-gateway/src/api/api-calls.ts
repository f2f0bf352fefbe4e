import type { Clock } from "@quorate/base";
import { parseTraceContext, type Span, type TraceContext, type Tracer } from "@quorate/telemetry";
import type { LeaderTracker } from "../actors/leader-tracker";
import { PendingCall, type CallKind, type CallOutcome } from "../actors/pending-call";
import type { Abandonable, CallContext } from "./api-method";
import { definite, type FailureCode } from "./request-failure";

export interface ApiCallsOptions {
  /** The longest a call may take, in milliseconds, whatever its caller would wait. */
  readonly requestTimeoutMs: number;
  /** The largest write, in bytes, counted with {@link PROPOSAL_OVERHEAD_BYTES}. */
  readonly requestBytesMax: number;
}

export interface ApiCallsDependencies {
  readonly clock: Clock;
  readonly tracker: LeaderTracker;
  readonly tracer: Tracer;
}

export type Reply = (outcome: CallOutcome) => void;

/** What etcd's own envelope adds to a request before it compares the size: so the same requests are too large here. */
export const PROPOSAL_OVERHEAD_BYTES = 24;

/** How a request becomes a call, whichever part of the API it belongs to. */
export class ApiCalls {
  constructor(
    private readonly options: ApiCallsOptions,
    private readonly dependencies: ApiCallsDependencies,
  ) {}

  /** Runs `start`, which gives the call it began, or what is wrong with the request. */
  checked<Call extends Abandonable>(
    context: CallContext,
    reply: Reply,
    start: () => Call | FailureCode,
  ): Call | undefined {
    if (context.requireLeader && this.dependencies.tracker.leader === undefined) {
      return refuse(reply, "no-leader");
    }
    try {
      const started = start();
      return typeof started === "string" ? refuse(reply, started) : started;
    } catch (error) {
      if (!isDecodeError(error)) throw error;
      return refuse(reply, "malformed", error.message);
    }
  }

  isTooLarge(bytes: Uint8Array): boolean {
    return bytes.length + PROPOSAL_OVERHEAD_BYTES > this.options.requestBytesMax;
  }

  begin<K extends CallKind>(kind: K, bytes: Uint8Array, context: CallContext, reply: Reply): PendingCall<K> {
    const startedAt = this.dependencies.clock.now();
    const deadline = startedAt + Math.min(context.timeoutMs, this.options.requestTimeoutMs);
    const span = this.#startSpan(kind, context);
    if (span === undefined) return new PendingCall({ kind, bytes, startedAt, deadline, reply });
    const traced = { reply: endingSpan(span, reply), traceContext: span.context };
    return new PendingCall({ kind, bytes, startedAt, deadline, ...traced });
  }

  /** The span of a request that is carried out by several calls, and their context. */
  startWhole(
    name: string,
    context: CallContext,
  ): { readonly span: Span | undefined; readonly parts: CallContext } {
    const { tracer } = this.dependencies;
    if (!tracer.enabled) return { span: undefined, parts: context };
    const parent = parseTraceContext(context.traceparent);
    const span = tracer.startRequest(name, parent, undefined, { kind: "server" });
    return { span, parts: partOf(context, span?.context) };
  }

  #startSpan(kind: CallKind, context: CallContext): Span | undefined {
    const { tracer } = this.dependencies;
    if (!tracer.enabled || context.traced === false) return undefined;
    return tracer.startRequest(SPAN_NAMES[kind], parseTraceContext(context.traceparent), undefined, {
      kind: "server",
    });
  }
}

const SPAN_NAMES: Readonly<Record<CallKind, string>> = {
  range: "kv.range",
  page: "kv.range-page",
  slice: "kv.range",
  put: "kv.put",
  "delete-range": "kv.delete-range",
  txn: "kv.txn",
  compact: "kv.compact",
  "lease-grant": "lease.grant",
  "lease-revoke": "lease.revoke",
  "keep-alive": "lease.keep-alive",
  "time-to-live": "lease.time-to-live",
  leases: "lease.leases",
  alarm: "maintenance.alarm",
  alarms: "maintenance.alarm",
};

/** @param whole The trace of the request that a call is a part of; `undefined`: it is not sampled. */
export function partOf(context: CallContext, whole: TraceContext | undefined): CallContext {
  return whole === undefined ? { ...context, traced: false } : { ...context, traceparent: whole };
}

function endingSpan(span: Span, reply: Reply): Reply {
  return (outcome) => {
    if (outcome.kind === "failed") span.fail(outcome.failure.code);
    span.end();
    reply(outcome);
  };
}

function refuse(reply: Reply, code: FailureCode, detail?: string): undefined {
  reply({ kind: "failed", failure: definite(code, detail) });
}

function isDecodeError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "malformed";
}
