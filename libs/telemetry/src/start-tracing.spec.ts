import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { TraceCollector } from "@quorate/testing";
import { startTracing, type Tracing } from "./start-tracing";
import { traceIdsOf } from "./trace-context";
import { NO_TRACER } from "./tracer";

const options = { service: "quorate-gateway", instance: "g1", version: "1.2.3" };

function tracing(env: Record<string, string>, random?: () => number): Tracing {
  return startTracing(options, env, random);
}

describe("startTracing", () => {
  it.each<Record<string, string>>([
    {},
    { OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" },
    { OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" },
  ])("does nothing with %j", async (env) => {
    const { tracer, shutdown } = tracing(env);
    expect(tracer).toBe(NO_TRACER);
    expect(tracer.enabled).toBe(false);
    const attributes = jest.fn();
    expect(tracer.startRequest("put", undefined, attributes)).toBeUndefined();
    expect(attributes).not.toHaveBeenCalled();
    await shutdown();
  });

  it("refuses exporters and endpoints that it cannot use", () => {
    expect(() => tracing({ OTEL_TRACES_EXPORTER: "zipkin" })).toThrow('"zipkin", it must be otlp or none');
    expect(() => tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere" })).toThrow("it must be a URL");
  });

  it("makes nothing of a request that is not sampled, nor of its steps", async () => {
    const draws = [0.01, 0.99];
    const { tracer, shutdown } = tracing(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
        OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.02",
      },
      () => draws.shift()!,
    );
    const attributes = jest.fn(() => ({}));
    const sampled = tracer.startRequest("sampled", undefined, attributes);
    const other = tracer.startRequest("other", undefined, attributes);
    expect(sampled).toBeDefined();
    expect(other).toBeUndefined();
    expect(tracer.startSpan("step", other?.context, attributes)).toBeUndefined();
    expect(attributes).toHaveBeenCalledTimes(1);
    await shutdown();
  });
});

describe("the export of spans", () => {
  it("sends the steps of a request as one trace, with what was said of them", async () => {
    await using collector = await TraceCollector.start();
    const [request, step] = await exporting(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_SERVICE_NAME: "renamed",
        OTEL_RESOURCE_ATTRIBUTES: RESOURCE,
      },
      `const request = tracer.startRequest("put", undefined, () => ({ keys: 1 }), { kind: "server" });
       const step = tracer.startSpan("apply", request.context);
       step.setAttribute("revision", 7);
       step.fail(new Error("disk full"));
       step.end();
       step.end();
       request.end();
       return [request.context, step.context];`,
    );
    const { traceId, spanId } = traceIdsOf(request!)!;
    expect(collector.paths).toEqual(["/v1/traces"]);
    expect(collector.spans).toEqual([
      { traceId, spanId: traceIdsOf(step!)!.spanId, parentId: spanId, name: "apply" },
      { traceId, spanId, parentId: "", name: "put" },
    ]);
    const body = collector.exports[0]!.toString("latin1");
    for (const text of ["renamed", "blue one", "i7", "1.2.3", "disk full", "revision"])
      expect(body).toContain(text);
    expect(body).not.toContain(options.service);
  });

  it("continues the trace of a client", async () => {
    await using collector = await TraceCollector.start();
    const [client] = await exporting(
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/custom` },
      `const client = tracer.startRequest("client", undefined);
       tracer.startRequest("server", client.context).end();
       return [client.context];`,
    );
    const { traceId, spanId } = traceIdsOf(client!)!;
    expect(collector.paths).toEqual(["/custom"]);
    expect(collector.spans).toMatchObject([{ name: "server", traceId, parentId: spanId }]);
  });

  it("ends although nobody collects", async () => {
    const collector = await TraceCollector.start();
    const { url } = collector;
    await collector[Symbol.asyncDispose]();
    const script = `tracer.startRequest("put", undefined).end(); return ["done"];`;
    await expect(exporting({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, script)).resolves.toEqual(["done"]);
  });
});

const RESOURCE = "deployment=blue%20one,service.instance.id=i7";

/**
 * Runs `script` with the tracer of a process that has that environment, and returns what it returned once its tracing is
 * shut down. A process of its own, from `dist`, because the exporter uses `import()`, which jest's modules lack.
 */
async function exporting(env: Record<string, string>, script: string): Promise<string[]> {
  const program = `
    const { startTracing } = require(${JSON.stringify(resolve(__dirname, "../dist"))});
    const { tracer, shutdown } = startTracing(${JSON.stringify(options)}, process.env);
    const returned = (() => { ${script} })();
    shutdown().then(() => process.stdout.write(JSON.stringify(returned), () => process.exit()));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", program], { env });
  return JSON.parse(stdout) as string[];
}
