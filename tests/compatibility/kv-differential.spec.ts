import { seededPrng } from "@quorate/base";

import { EtcdClient } from "../harness/etcd-client";
import { EtcdServer } from "../harness/etcd-server";
import { QuorateCluster } from "../harness/quorate-cluster";
import { compareServers, describeDifferences } from "./comparison";
import { directedCases } from "./directed-requests";
import { whereEtcdIsInstalled } from "./etcd-installed";
import { knownDifferences } from "./known-differences";
import { learningRequests } from "./learning-requests";
import { subjectOver } from "./outcome";

// A failure names the seed in the test's title; COMPATIBILITY_SEED and COMPATIBILITY_REQUESTS repeat or extend a run.
const seed = Number(process.env["COMPATIBILITY_SEED"] ?? 20_240_607);
const requestCount = Number(process.env["COMPATIBILITY_REQUESTS"] ?? 2_500);

whereEtcdIsInstalled("KV compared with etcd", () => {
  let etcd: EtcdServer;
  let quorate: QuorateCluster;
  let etcdClient: EtcdClient;
  let quorateClient: EtcdClient;

  // One member each: serializable reads of a follower may lag behind, in etcd as here, and would differ by chance.
  // Both stores must be empty and at the same revision when the comparison starts, hence new clusters.
  beforeEach(async () => {
    [etcd, quorate] = await Promise.all([EtcdServer.start(1), QuorateCluster.start({ members: 1 })]);
    etcdClient = new EtcdClient({ address: etcd.address });
    quorateClient = new EtcdClient({ address: quorate.address() });
    // Starting Quorate has written a probe.
    const { header } = await quorateClient.range({ key: Buffer.from("harness/probe") });
    for (let revision = 2; revision <= Number(header?.revision); revision += 1) {
      await etcdClient.put({ key: Buffer.from("harness/probe") });
    }
  }, 60_000);

  afterEach(async () => {
    etcdClient.close();
    quorateClient.close();
    await Promise.all([etcd[Symbol.asyncDispose](), quorate[Symbol.asyncDispose]()]);
  }, 30_000);

  const servers = () => ({ reference: subjectOver(etcdClient), subject: subjectOver(quorateClient) });

  it(`is equal for ${requestCount} generated requests (seed ${seed})`, async () => {
    process.stderr.write(`KV compared with etcd: seed ${seed}\n`);
    const { requests, learn } = learningRequests(seededPrng(seed), requestCount);
    const { unexplained, answered, refused } = await compareServers(
      requests,
      servers(),
      knownDifferences,
      learn,
    );

    expect(describeDifferences(unexplained)).toBe("");
    expect(answered).toBeGreaterThan(requestCount / 2);
    expect(refused).toBeGreaterThan(requestCount / 20);
  }, 120_000);

  it("is equal for requests made by hand, but for every listed difference", async () => {
    const met = new Set<string>();
    const unexplained: string[] = [];
    for (const { name, requests } of directedCases) {
      const found = await compareServers(requests, servers(), knownDifferences);
      for (const difference of found.explainedBy) met.add(difference);
      if (found.unexplained.length > 0)
        unexplained.push(`${name}\n${describeDifferences(found.unexplained)}`);
    }

    expect(unexplained.join("\n\n")).toBe("");
    expect([...met].sort()).toEqual(knownDifferences.map(({ name }) => name).sort());
  }, 60_000);
});
