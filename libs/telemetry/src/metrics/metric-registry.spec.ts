import { MetricRegistry } from "./metric-registry";
import { registerProcessMetrics } from "./process-metrics";

describe("MetricRegistry", () => {
  it("shows counters, gauges and histograms in Prometheus's text format", () => {
    const registry = new MetricRegistry();
    const ok = registry.counter("calls_total", "Calls.", { code: "OK" });
    const failed = registry.counter("calls_total", "Calls.", { code: "Unknown" });
    registry.observe("gauge", "has_leader", "Is a leader known?", () => 1);
    const latency = registry.histogram("call_seconds", "How long.", [0.1, 1], { method: "Put" });
    ok.value += 2;
    failed.value += 1;
    for (const seconds of [0.05, 0.1, 0.5, 3]) latency.observe(seconds);
    expect(registry.text()).toBe(
      [
        "# HELP calls_total Calls.",
        "# TYPE calls_total counter",
        'calls_total{code="OK"} 2',
        'calls_total{code="Unknown"} 1',
        "# HELP has_leader Is a leader known?",
        "# TYPE has_leader gauge",
        "has_leader 1",
        "# HELP call_seconds How long.",
        "# TYPE call_seconds histogram",
        'call_seconds_bucket{method="Put",le="0.1"} 2',
        'call_seconds_bucket{method="Put",le="1"} 3',
        'call_seconds_bucket{method="Put",le="+Inf"} 4',
        'call_seconds_sum{method="Put"} 3.65',
        'call_seconds_count{method="Put"} 4',
        "",
      ].join("\n"),
    );
  });

  it("leaves out what is not known, and escapes what would break a line", () => {
    const registry = new MetricRegistry();
    registry.observe("gauge", "unknown", "Not shown.", () => undefined);
    registry.observe("gauge", "named", "Two\nlines.", () => [{ labels: { name: 'a "b"\n\\' }, value: 1 }]);
    expect(registry.text()).toBe(
      '# HELP named Two\\nlines.\n# TYPE named gauge\nnamed{name="a \\"b\\"\\n\\\\"} 1\n',
    );
  });

  it("refuses one name for two types, and names that Prometheus would", () => {
    const registry = new MetricRegistry();
    registry.counter("calls_total", "Calls.");
    expect(() => registry.observe("gauge", "calls_total", "Calls.", () => 1)).toThrow("one type");
    expect(() => registry.counter("calls total", "Calls.")).toThrow("only letters");
  });

  it("refuses bounds that do not rise", () => {
    expect(() => new MetricRegistry().histogram("seconds", "How long.", [1, 1])).toThrow("rise");
  });
});

describe("registerProcessMetrics", () => {
  it("shows what the process uses", () => {
    const registry = new MetricRegistry();
    registerProcessMetrics(registry);
    const value = (name: string): number =>
      Number(new RegExp(`^${name} (.*)$`, "m").exec(registry.text())?.[1]);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value("process_start_time_seconds")).toBeLessThanOrEqual(Date.now() / 1000);
  });
});
