import { Client, credentials } from "@grpc/grpc-js";
import { TraceCollector, type ExportedSpan } from "@quorate/testing";
import { etcdserverpb } from "@quorate/wire";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { QuorateCluster } from "../harness/quorate-cluster";

jest.setTimeout(90_000);

describe("the trace of a request", () => {
  it("leads from the gateway through proposal, replication and fsync to apply, and of a read to its confirmation", async () => {
    await using collector = await TraceCollector.start();
    await using cluster = await tracedCluster(collector);
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

  it("leads from a watch to its fan-out and the history it reads, and from a put to those it is delivered to", async () => {
    await using collector = await TraceCollector.start();
    await using cluster = await tracedCluster(collector);
    const client = new EtcdClient({ address: cluster.address() });
    const watch = new EtcdWatch(cluster.address());
    try {
      const { header } = await client.put({ key: Buffer.from("watched"), value: Buffer.from("old") });
      watch.create({ key: Buffer.from("watched"), startRevision: Number(header?.revision) });
      await eventually("the event of the past", { withinMs: 10_000 }, () => watch.events.length === 1);
      await client.put({ key: Buffer.from("watched"), value: Buffer.from("new") });
      await eventually("the event of the present", { withinMs: 10_000 }, () => watch.events.length === 2);
    } finally {
      watch.close();
      client.close();
    }
    const created = await theTrace(collector, "watch.create", "watch-fanout create", "raft-node history");
    expect(new Set(pathsOf(created))).toEqual(
      new Set([
        "watch.create",
        "watch.create > watch-fanout create",
        "watch.create > watch-fanout create > raft-node history",
      ]),
    );
    const delivered = await theTrace(collector, "kv.put", "raft-node propose", "watch-fanout deliver");
    expect(pathsOf(delivered)).toContain("kv.put > raft-node propose > watch-fanout deliver");
  });

  it("leads from the calls of a lease to the leader, and shows the expiry as a trace of its own", async () => {
    await using collector = await TraceCollector.start();
    await using cluster = await tracedCluster(collector);
    const client = new EtcdClient({ address: cluster.address() });
    try {
      const { ID } = await client.call(etcdMethods.leaseGrant, { TTL: 2 });
      await client.call(etcdMethods.leaseTimeToLive, { ID });
      const { ID: revoked } = await client.call(etcdMethods.leaseGrant, { TTL: 100 });
      await client.call(etcdMethods.leaseRevoke, { ID: revoked });
    } finally {
      client.close();
    }
    expect(pathsOf(await theTrace(collector, "lease.grant", "apply"))).toContain(
      "lease.grant > raft-node propose",
    );
    expect(pathsOf(await theTrace(collector, "lease.revoke", "apply"))).toContain(
      "lease.revoke > raft-node propose",
    );
    expect(pathsOf(await theTrace(collector, "lease.time-to-live", "confirm"))).toEqual([
      "lease.time-to-live",
      "lease.time-to-live > raft-node lease",
      "lease.time-to-live > raft-node lease > confirm",
    ]);
    expect(pathsOf(await theTrace(collector, "raft-node lease expiry", "apply"))).toEqual([
      "raft-node lease expiry",
      "raft-node lease expiry > apply",
      "raft-node lease expiry > fsync",
      "raft-node lease expiry > replicate",
    ]);
  });

  it("holds all parts of a RangeStream together", async () => {
    await using collector = await TraceCollector.start();
    await using cluster = await tracedCluster(collector);
    const client = new EtcdClient({ address: cluster.address() });
    try {
      const value = Buffer.alloc(1024 * 1024);
      for (const key of ["a", "b", "c"]) await client.put({ key: Buffer.from(`large/${key}`), value });
    } finally {
      client.close();
    }
    const chunks = await rangeStream(cluster.address(), {
      key: Buffer.from("large/"),
      rangeEnd: Buffer.from("large0"),
    });
    expect(chunks).toBeGreaterThan(1);
    const spans = await theTrace(collector, "kv.range-stream", "kv.range", "read");
    const parts = spans.filter(({ name }) => name === "kv.range");
    expect(parts).toHaveLength(chunks);
    expect(pathsOf(spans)).toContain("kv.range-stream > kv.range > raft-node read > read");
  });
});

function tracedCluster(collector: TraceCollector): Promise<QuorateCluster> {
  return QuorateCluster.start({
    members: 1,
    // With them a fan-out keeps all that happens in memory, and has no need of history.
    eventSubjects: "off",
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "100" },
  });
}

/** @returns how many chunks came. */
async function rangeStream(address: string, request: etcdserverpb.RangeRequest.$Properties): Promise<number> {
  const client = new Client(address, credentials.createInsecure());
  const bytes = Buffer.from(etcdserverpb.RangeRequest.encode(request).finish());
  const asIs = (message: Buffer): Buffer => message;
  let chunks = 0;
  for await (const _ of client.makeServerStreamRequest("/etcdserverpb.KV/RangeStream", asIs, asIs, bytes))
    chunks += 1;
  client.close();
  return chunks;
}

/** All spans of one trace that has a `root` and all of `others`. Each process exports its spans apart, in batches. */
function theTrace(collector: TraceCollector, root: string, ...others: string[]): Promise<ExportedSpan[]> {
  return eventually(`a trace of ${root} with ${others.join(", ")}`, { withinMs: 30_000 }, () => {
    const roots = collector.spans.filter(({ name, parentId }) => name === root && parentId === "");
    for (const { traceId } of roots) {
      const spans = collector.spans.filter((span) => span.traceId === traceId);
      const names = spans.map(({ name }) => name);
      const isWhole = spans.every(
        ({ parentId }) => parentId === "" || spans.some((span) => span.spanId === parentId),
      );
      if (isWhole && others.every((name) => names.includes(name))) return spans;
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
