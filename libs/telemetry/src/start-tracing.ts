import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes, type Resource } from "@opentelemetry/resources";
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { samplerFor, TracingConfigurationError } from "./sampling";
import { SdkTracer } from "./sdk-tracer";
import { NO_TRACER, type Tracer } from "./tracer";

/** Who the spans are from. */
export interface TracingOptions {
  /** `service.name`, such as `quorate-gateway`. */
  readonly service: string;
  /** `service.instance.id`: which of them. */
  readonly instance: string;
  readonly version: string;
}

export interface Tracing {
  readonly tracer: Tracer;
  /**
   * Sends what was recorded and stops; resolves after a second at most. Never fails: spans are not worth a failed
   * shutdown. Idempotent. An export that is still tried keeps the process alive: call `process.exit` afterwards.
   */
  shutdown(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Longest wait for a collector at shutdown: the exporter by itself would try again for 10 seconds. */
const SHUTDOWN_MS = 1000;

/**
 * Starts to export spans by OTLP (protobuf over HTTP) if the environment asks for it: `OTEL_TRACES_EXPORTER=otlp`, or an
 * `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. Otherwise nothing runs, and
 * the tracer is {@link NO_TRACER}.
 *
 * Honoured too: `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER=none`, `OTEL_TRACES_SAMPLER` with `_ARG`,
 * `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`; headers, timeout, compression and certificates are read by the
 * exporter itself, from the process.
 *
 * @param random A number from 0 to below 1; replaced in tests.
 * @throws {TracingConfigurationError} a variable has a value that cannot be used.
 */
export function startTracing(
  options: TracingOptions,
  env: Environment,
  random: () => number = Math.random,
): Tracing {
  const endpoint = tracesEndpoint(env);
  if (endpoint === undefined) return { tracer: NO_TRACER, shutdown: () => Promise.resolve() };
  const sampler = samplerFor(env, random);
  const provider = new TracerProvider({
    resource: resourceOf(options, env),
    // The decision is made before a span is asked for.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: endpoint }) })],
  });
  let stopped: Promise<void> | undefined;
  return {
    tracer: new SdkTracer({ tracer: provider.getTracer("quorate", options.version), sampler }),
    shutdown: () => (stopped ??= stop(provider)),
  };
}

/** `undefined` if spans are not wanted. */
function tracesEndpoint(env: Environment): string | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  const exporter = env.OTEL_TRACES_EXPORTER || undefined;
  if (exporter === "none") return undefined;
  if (exporter !== undefined && exporter !== "otlp") {
    throw new TracingConfigurationError("OTEL_TRACES_EXPORTER", exporter, "otlp or none");
  }
  const traces = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || undefined;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT || (exporter === "otlp" ? "http://localhost:4318" : undefined);
  const endpoint = traces ?? (base === undefined ? undefined : `${base.replace(/\/+$/, "")}/v1/traces`);
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    throw new TracingConfigurationError("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "a URL");
  }
  return endpoint;
}

/** What the environment says wins over what the program says of itself. */
function resourceOf(options: TracingOptions, env: Environment): Resource {
  return defaultResource().merge(
    resourceFromAttributes({
      "service.name": options.service,
      "service.instance.id": options.instance,
      "service.version": options.version,
      ...resourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES),
      ...(env.OTEL_SERVICE_NAME ? { "service.name": env.OTEL_SERVICE_NAME } : {}),
    }),
  );
}

/** `key=value,key=value` with percent-encoding, as W3C Baggage; all or nothing, as the specification asks for. */
function resourceAttributes(text: string | undefined): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of (text ?? "").split(",").filter((part) => part.trim() !== "")) {
    const [key, value, ...rest] = pair.split("=").map((part) => part.trim());
    if (!key || value === undefined || rest.length > 0) return {};
    try {
      attributes[key] = decodeURIComponent(value);
    } catch {
      return {};
    }
  }
  return attributes;
}

async function stop(provider: TracerProvider): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SHUTDOWN_MS);
  });
  await Promise.race([provider.shutdown().catch(() => undefined), patience]);
  clearTimeout(timer);
}
