import type { Clock } from "@quorate/base";
import {
  LATENCY_SECONDS,
  type Counter,
  type Histogram,
  type Labels,
  type MetricRegistry,
} from "@quorate/telemetry";
import type { Instant } from "../actors/instant";
import type { ApiMethod } from "../api/api-method";
import { GrpcCode, statusOf } from "../grpc/status";

/** gRPC's codes as metrics spell them, by their numbers. */
const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

/** How the metrics of one kind of calls are called. */
export interface CallMetricNames {
  readonly prefix: string;
  readonly codeLabel: string;
}

export interface CallMeterDependencies {
  readonly registry: MetricRegistry;
  readonly clock: Clock;
}

/** Counts the calls of one method: begun, ended by code, and how long they took. Cheap enough for every call. */
export class CallMeter {
  readonly #started: Counter;
  readonly #seconds: Histogram;
  readonly #handled: Counter[] = [];

  constructor(
    private readonly names: CallMetricNames,
    private readonly labels: Labels,
    private readonly dependencies: CallMeterDependencies,
  ) {
    const { registry } = dependencies;
    const { prefix } = names;
    this.#started = registry.counter(`${prefix}_started_total`, "Calls that began.", labels);
    this.#seconds = registry.histogram(
      `${prefix}_handling_seconds`,
      "How long calls took until they were answered, in seconds.",
      LATENCY_SECONDS,
      labels,
    );
    this.#handledAs(GrpcCode.OK); // so that it is there, at 0, before the first call
  }

  /** @returns what {@link end} wants to know. */
  start(): Instant {
    this.#started.value += 1;
    return this.dependencies.clock.now();
  }

  end(startedAt: Instant, code: number): void {
    this.#seconds.observe((this.dependencies.clock.now() - startedAt) / 1000);
    this.#handledAs(code).value += 1;
  }

  /** Codes that never occur are not shown. */
  #handledAs(code: number): Counter {
    const known = this.#handled[code];
    if (known !== undefined) return known;
    const { prefix, codeLabel } = this.names;
    const labels = { ...this.labels, [codeLabel]: CODE_NAMES[code] ?? `Code(${code})` };
    const counter = this.dependencies.registry.counter(
      `${prefix}_handled_total`,
      "Calls that ended, by the code that they ended with.",
      labels,
    );
    this.#handled[code] = counter;
    return counter;
  }
}

/** Counts every call of `method`, one that its caller gives up as canceled. */
export function metered(method: ApiMethod, meter: CallMeter): ApiMethod {
  return (request, context, reply) => {
    const startedAt = meter.start();
    let open = true;
    const end = (code: number): void => {
      if (open) meter.end(startedAt, code);
      open = false;
    };
    const pending = method(request, context, (outcome) => {
      end(outcome.kind === "ok" ? GrpcCode.OK : statusOf(outcome.failure).code);
      reply(outcome);
    });
    if (pending === undefined) return undefined;
    return {
      abandon: () => {
        end(GrpcCode.CANCELLED);
        pending.abandon();
      },
    };
  };
}
