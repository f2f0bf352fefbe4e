import { createLogger, SILENT_LOGGER, type LoggerOptions } from "./logger";
import { formatTraceContext } from "./trace-context";

function recording(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger(
    { service: "raft-node", name: "n1", level: "info", ...options },
    { write: (line) => lines.push(line) },
  );
  return { logger, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("createLogger", () => {
  it("writes one JSON object per record", () => {
    const { logger, records } = recording();
    logger.info("became leader", { term: 7, member: 0xabcn });
    expect(records()).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        service: "raft-node",
        name: "n1",
        message: "became leader",
        term: 7,
        member: "abc",
      },
    ]);
  });

  it("drops what is below its level", () => {
    const { logger, lines } = recording({ level: "warn" });
    logger.info("not this");
    logger.warn("this");
    expect(lines).toHaveLength(1);
    expect([logger.isEnabled("info"), logger.isEnabled("error")]).toEqual([false, true]);
  });

  it("writes errors with their stack and causes", () => {
    const { logger, records } = recording();
    logger.error("cannot sync", { error: new Error("outer", { cause: new Error("inner") }) });
    expect(records()[0]).toMatchObject({
      error: {
        message: "outer",
        stack: expect.stringContaining("outer") as string,
        cause: { message: "inner" },
      },
    });
  });

  it("adds a child's facts and the ids of a trace to each record", () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const spanId = "b7ad6b7169203331";
    const { logger, records } = recording();
    const child = logger.child({ actor: "applier" });
    child.withTrace(formatTraceContext({ traceId, spanId, sampled: true })).info("applied");
    child.withTrace(undefined).info("applied");
    expect(records()).toMatchObject([
      { actor: "applier", trace_id: traceId, span_id: spanId },
      { actor: "applier" },
    ]);
    expect(records()[1]).not.toHaveProperty("trace_id");
  });

  it("writes lines for people when asked to", () => {
    const { logger, lines } = recording({ pretty: true });
    logger.warn("slow disk", { tookMs: 12 });
    expect(lines[0]).toMatch(/WARN.*slow disk\n.*tookMs: 12/);
  });
});

describe("SILENT_LOGGER", () => {
  it("is enabled for nothing", () => {
    SILENT_LOGGER.error("nobody hears this");
    expect(SILENT_LOGGER.isEnabled("error")).toBe(false);
  });
});
