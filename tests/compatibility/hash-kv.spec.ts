import { seededPrng } from "@quorate/base";

import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { EtcdServer } from "../harness/etcd-server";
import { QuorateCluster } from "../harness/quorate-cluster";
import { whereEtcdIsInstalled } from "./etcd-installed";
import { learningRequests } from "./learning-requests";
import { subjectOver } from "./outcome";

const seed = Number(process.env["COMPATIBILITY_SEED"] ?? 20_240_608);
const requestCount = 800;
/** Revisions between two that are compared. */
const stride = 7;

whereEtcdIsInstalled("HashKV compared with etcd", () => {
  it(`is the same number at every revision of a store that was never compacted (seed ${seed})`, async () => {
    await using etcd = await EtcdServer.start(1);
    await using quorate = await QuorateCluster.start({ members: 1 });
    const clients = [etcd.address, quorate.address()].map((address) => new EtcdClient({ address }));
    const [etcdClient, quorateClient] = clients as [EtcdClient, EtcdClient];
    // Starting Quorate has written a probe, always the same.
    const { header, kvs } = await quorateClient.range({ key: Buffer.from("harness/probe") });
    expect(kvs[0]?.value).toHaveLength(0);
    for (let revision = 2; revision <= Number(header?.revision); revision += 1) {
      await etcdClient.put({ key: Buffer.from("harness/probe") });
    }

    const { requests, learn } = learningRequests(seededPrng(seed), requestCount);
    const [ask, askQuorate] = [subjectOver(etcdClient), subjectOver(quorateClient)];
    let revision = 0;
    for (const request of requests) {
      if (request.method === "compact") continue;
      const [reference] = await Promise.all([ask(request), askQuorate(request)]);
      learn(request, reference);
      if (reference.kind === "answer") revision = Math.max(revision, reference.revision);
    }

    expect(revision).toBeGreaterThan(requestCount / 4);
    for (let at = revision; at > 0; at -= stride) {
      const [expected, actual] = await Promise.all(
        clients.map((client) => client.call(etcdMethods.hashKv, { revision: at })),
      );
      expect({ at, hash: actual?.hash }).toEqual({ at, hash: expected?.hash });
    }
    for (const client of clients) client.close();
  }, 120_000);
});
