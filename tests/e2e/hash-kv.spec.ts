import { CallError, EtcdClient, etcdMethods } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { settledMemberStates } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";

const outOfRange = 11;

// Goal: members can be compared by their hashes while they compact at their own pace. Each gateway stands for one member.
describe("the hashes of three members", () => {
  let cluster: QuorateCluster;
  let clients: EtcdClient[];

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, gateways: 3 });
    clients = ["gateway1", "gateway2", "gateway3"].map(
      (name) => new EtcdClient({ address: cluster.address(name) }),
    );
  }, 60_000);

  afterAll(async () => {
    for (const client of clients ?? []) client.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  const hashes = async (revision: number) => {
    await settledMemberStates(cluster, 10_000);
    return Promise.all(clients.map((client) => client.call(etcdMethods.hashKv, { revision })));
  };

  it("are equal at every revision that is kept, before, during and after a compaction", async () => {
    const [client] = clients as [EtcdClient, ...EtcdClient[]];
    for (let at = 0; at < 100; at += 1) {
      await client.put({ key: Buffer.from(`k${at % 7}`), value: Buffer.from(`${at}`) });
      if (at % 9 === 0) await client.deleteRange({ key: Buffer.from(`k${at % 5}`) });
    }
    const { header } = await client.put({ key: Buffer.from("last") });
    const revision = Number(header?.revision);
    for (const compacted of [undefined, revision - 40, revision - 3]) {
      if (compacted !== undefined) await client.compact({ revision: compacted, physical: true });
      for (let at = compacted ?? revision - 60; at <= revision; at += 7) {
        const answers = await hashes(at);
        const [first] = answers;
        expect(Number(first?.compactRevision)).toBe(compacted ?? -1);
        expect(Number(first?.hashRevision)).toBe(at);
        expect(new Set(answers.map(({ hash }) => hash)).size).toBe(1);
        expect(new Set(answers.map((answer) => String(answer.header?.memberId))).size).toBe(3);
      }
    }
  }, 60_000);

  it("differ from one revision to the next, and cannot be had of what is compacted or to come", async () => {
    const [client] = clients as [EtcdClient, ...EtcdClient[]];
    const before = await client.call(etcdMethods.hashKv, {});
    await client.put({ key: Buffer.from("one more") });
    const after = await eventually("the put to be applied here", { withinMs: 5000 }, async () => {
      const answer = await client.call(etcdMethods.hashKv, {});
      return Number(answer.hashRevision) > Number(before.hashRevision) && answer;
    });
    expect(after.hash).not.toBe(before.hash);
    for (const [revision, text] of [
      [2, "etcdserver: mvcc: required revision has been compacted"],
      [1_000_000, "etcdserver: mvcc: required revision is a future revision"],
    ] as const) {
      const failed = client.call(etcdMethods.hashKv, { revision });
      await expect(failed).rejects.toMatchObject({ code: outOfRange, text } satisfies Partial<CallError>);
    }
  }, 30_000);

  it("of everything that is stored, and defragmentation, are answered by each member", async () => {
    for (const client of clients) {
      const { header } = await client.call(etcdMethods.hash, {});
      expect(Number(header?.revision)).toBeGreaterThan(1);
      expect(await client.call(etcdMethods.defragment, {})).toEqual({});
    }
  }, 30_000);

  it("are not to be had of a member that is gone, while the others answer", async () => {
    await cluster.tell("kill", "n3");
    const [here, , gone] = clients as [EtcdClient, EtcdClient, EtcdClient];
    await expect(gone.call(etcdMethods.hashKv, {})).rejects.toMatchObject({ code: 14 });
    await expect(here.call(etcdMethods.hashKv, {})).resolves.toBeDefined();
    await cluster.tell("start", "n3");
  }, 30_000);
});
