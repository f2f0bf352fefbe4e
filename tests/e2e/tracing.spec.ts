import { TraceCollector, type ExportedSpan } from "@quorate/testing";
import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { QuorateCluster } from "../harness/quorate-cluster";

jest.setTimeout(90_000);

describe("the trace of a request", () => {
  it("leads from the gateway through proposal, replication and fsync to apply, and of a read to its confirmation", async () => {
    await using collector = await TraceCollector.start();
    await using cluster = await QuorateCluster.start({
      members: 1,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "100" },
    });
    const client = new EtcdClient({ address: cluster.address() });
    try {
      await client.put({ key: Buffer.from("traced") });
      await client.range({ key: Buffer.from("traced") });
    } finally {
      client.close();
    }
    const write = await theTrace(collector, "kv.put", "apply");
    expect(pathsOf(write)).toEqual([
      "kv.put",
      "kv.put > raft-node propose",
      "kv.put > raft-node propose > apply",
      "kv.put > raft-node propose > fsync",
      "kv.put > raft-node propose > replicate",
    ]);
    const read = await theTrace(collector, "kv.range", "read");
    expect(pathsOf(read)).toEqual([
      "kv.range",
      "kv.range > raft-node read",
      "kv.range > raft-node read > confirm",
      "kv.range > raft-node read > read",
    ]);
  });
});

/** All spans of one trace that has both a `root` and a `last`. Spans of a process arrive together, as it exports them in batches. */
function theTrace(collector: TraceCollector, root: string, last: string): Promise<ExportedSpan[]> {
  return eventually(`a trace from ${root} to ${last}`, { withinMs: 20_000 }, () => {
    const roots = collector.spans.filter(({ name, parentId }) => name === root && parentId === "");
    for (const { traceId } of roots) {
      const spans = collector.spans.filter((span) => span.traceId === traceId);
      if (spans.some(({ name }) => name === last) && spans.some(({ name }) => name.startsWith("raft-node"))) {
        return spans;
      }
    }
    throw new Error(`Seen so far: ${collector.spans.map(({ name }) => name).join(", ")}`);
  });
}

/** Each span as the names from the root down to it. */
function pathsOf(spans: readonly ExportedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const pathOf = (span: ExportedSpan): string => {
    const parent = byId.get(span.parentId);
    return parent === undefined ? span.name : `${pathOf(parent)} > ${span.name}`;
  };
  return spans.map(pathOf).sort();
}
