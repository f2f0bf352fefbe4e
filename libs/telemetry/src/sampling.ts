import { traceIdsOf, type TraceContext } from "./trace-context";

/** Decides, once per request, whether its spans are recorded. */
export type Sampler = (parent: TraceContext | undefined) => boolean;

/** A variable of OpenTelemetry's has a value that cannot be used. */
export class TracingConfigurationError extends Error {
  override readonly name = "TracingConfigurationError";
  readonly code = "tracing-configuration";

  constructor(
    readonly variable: string,
    readonly given: string,
    allowed: string,
  ) {
    super(`Cannot trace: ${variable} is ${JSON.stringify(given)}, it must be ${allowed}`);
  }
}

/**
 * The sampler that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` name; `parentbased_always_on` by default.
 *
 * @param random A number from 0 to below 1, drawn for each request that begins a trace.
 * @throws {TracingConfigurationError}
 */
export function samplerFor(env: Readonly<Record<string, string | undefined>>, random: () => number): Sampler {
  const name = env.OTEL_TRACES_SAMPLER || "parentbased_always_on";
  switch (name) {
    case "always_on":
      return () => true;
    case "always_off":
      return () => false;
    case "traceidratio":
      return byRatio(ratioOf(env), random);
    case "parentbased_always_on":
      return followingParent(() => true);
    case "parentbased_always_off":
      return followingParent(() => false);
    case "parentbased_traceidratio":
      return followingParent(byRatio(ratioOf(env), random));
    default:
      throw new TracingConfigurationError(
        "OTEL_TRACES_SAMPLER",
        name,
        "always_on, always_off or traceidratio, or one of these after parentbased_",
      );
  }
}

function followingParent(root: Sampler): Sampler {
  return (parent) =>
    parent === undefined ? root(undefined) : (traceIdsOf(parent)?.sampled ?? root(undefined));
}

/** A trace that has an id already is judged by it, so that every process comes to the same decision. */
function byRatio(ratio: number, random: () => number): Sampler {
  return (parent) => {
    const ids = parent === undefined ? undefined : traceIdsOf(parent);
    const place = ids === undefined ? random() : Number.parseInt(ids.traceId.slice(-8), 16) / 0x1_0000_0000;
    return place < ratio;
  };
}

function ratioOf(env: Readonly<Record<string, string | undefined>>): number {
  const given = env.OTEL_TRACES_SAMPLER_ARG || "1";
  const ratio = Number(given);
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new TracingConfigurationError("OTEL_TRACES_SAMPLER_ARG", given, "a number from 0 to 1");
  }
  return ratio;
}
