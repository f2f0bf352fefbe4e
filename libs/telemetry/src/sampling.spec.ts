import { samplerFor, TracingConfigurationError } from "./sampling";
import { formatTraceContext, type TraceContext } from "./trace-context";

const spanId = "b7ad6b7169203331";

function context(sampled: boolean, traceId = "0af7651916cd43dd8448eb2100000000"): TraceContext {
  return formatTraceContext({ traceId, spanId, sampled });
}

describe("samplerFor", () => {
  it.each([
    // sampler, root, sampled parent, unsampled parent
    [undefined, true, true, false],
    ["parentbased_always_on", true, true, false],
    ["parentbased_always_off", false, true, false],
    ["always_on", true, true, true],
    ["always_off", false, false, false],
  ])("%s: root %s, sampled parent %s, other parent %s", (name, root, sampledParent, otherParent) => {
    const sampler = samplerFor({ OTEL_TRACES_SAMPLER: name }, () => 0.5);
    expect([sampler(undefined), sampler(context(true)), sampler(context(false))]).toEqual([
      root,
      sampledParent,
      otherParent,
    ]);
  });

  it("samples the given part of the requests that begin a trace", () => {
    for (const name of ["traceidratio", "parentbased_traceidratio"]) {
      const env = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: "0.1" };
      expect(samplerFor(env, () => 0.09)(undefined)).toBe(true);
      expect(samplerFor(env, () => 0.1)(undefined)).toBe(false);
    }
  });

  it("judges a trace by its id when the parent does not decide, so that all processes agree", () => {
    const sampler = samplerFor(
      { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" },
      () => 0,
    );
    expect(sampler(context(false, "0af7651916cd43dd8448eb217fffffff"))).toBe(true);
    expect(sampler(context(true, "0af7651916cd43dd8448eb2180000000"))).toBe(false);
  });

  it("refuses names and ratios that do not exist", () => {
    expect(() => samplerFor({ OTEL_TRACES_SAMPLER: "sometimes" }, () => 0)).toThrow(
      TracingConfigurationError,
    );
    for (const ratio of ["2", "-1", "half"]) {
      const env = { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: ratio };
      expect(() => samplerFor(env, () => 0)).toThrow("a number from 0 to 1");
    }
  });
});
