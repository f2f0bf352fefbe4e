export { createLogger, SILENT_LOGGER } from "./logger";
export type { LogDestination, LogFacts, Logger, LoggerOptions, LogLevel } from "./logger";
export { Histogram, LATENCY_SECONDS } from "./metrics/histogram";
export {
  Counter,
  METRICS_CONTENT_TYPE,
  MetricRegistry,
  type Labels,
  type Sample,
} from "./metrics/metric-registry";
export { registerProcessMetrics } from "./metrics/process-metrics";
export {
  runStateless,
  STATELESS_EXIT,
  type ProcessEnvironment,
  type RunningService,
  type StatelessProcess,
} from "./run-stateless";
export { samplerFor, TracingConfigurationError, type Sampler } from "./sampling";
export { onStopSignals } from "./stop-signals";
export { startTracing, type Tracing, type TracingOptions } from "./start-tracing";
export * from "./trace-context";
export { NO_TRACER, type Span, type SpanAttributes, type SpanOptions, type Tracer } from "./tracer";
