import {
  formatTraceContext,
  parseTraceContext,
  traceContextOf,
  traceHeaders,
  traceIdsOf,
} from "./trace-context";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("trace contexts", () => {
  it("are written and read as W3C traceparent", () => {
    const text = `00-${traceId}-${spanId}-01`;
    expect(formatTraceContext({ traceId, spanId, sampled: true })).toBe(text);
    expect(traceIdsOf(text)).toEqual({ traceId, spanId, sampled: true });
    expect(traceIdsOf(`00-${traceId}-${spanId}-00`)?.sampled).toBe(false);
    expect(traceIdsOf(`00-${traceId}-${spanId}-03`)?.sampled).toBe(true);
    expect(traceIdsOf(`cc-${traceId}-${spanId}-01-what-comes-later`)?.sampled).toBe(true);
  });

  it.each([
    undefined,
    "",
    "garbage",
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId}-${spanId}-1`,
  ])("are not taken from %j", (text) => {
    expect(parseTraceContext(text)).toBeUndefined();
  });

  it("cross message headers", () => {
    const context = formatTraceContext({ traceId, spanId, sampled: true });
    expect(traceContextOf(traceHeaders(context))).toBe(context);
    expect(traceHeaders(undefined)).toBeUndefined();
    expect(traceContextOf(undefined)).toBeUndefined();
    expect(traceContextOf({ traceparent: "x" })).toBeUndefined();
  });
});
