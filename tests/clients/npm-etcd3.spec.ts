import { Etcd3, EtcdLeaseInvalidError, type Watcher } from "etcd3";
import { eventually } from "../harness/eventually";
import { QuorateCluster } from "../harness/quorate-cluster";

jest.setTimeout(120_000);

// The public npm client, unmodified, doing what its README shows.
describe("the npm package etcd3", () => {
  let cluster: QuorateCluster;
  let client: Etcd3;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3 });
    client = new Etcd3({ hosts: `http://${cluster.address()}` });
  });

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  it("puts, gets, lists, pages and deletes", async () => {
    await client.put("foo").value("bar");
    expect(await client.get("foo").string()).toBe("bar");
    await client.put("list/a").value("1");
    await client.put("list/b").value("2");
    await client.put("list/c").value("3");
    expect(await client.getAll().prefix("list/").strings()).toEqual({
      "list/a": "1",
      "list/b": "2",
      "list/c": "3",
    });
    expect(await client.getAll().prefix("list/").sort("Key", "Descend").limit(2).keys()).toEqual([
      "list/c",
      "list/b",
    ]);
    expect(await client.getAll().prefix("list/").count()).toBe(3);
    expect(await client.delete().prefix("list/").exec()).toMatchObject({ deleted: "3" });
    expect(await client.get("list/a").string()).toBeNull();
  });

  it("runs a transaction both ways", async () => {
    const create = () =>
      client
        .if("txn", "Create", "==", 0)
        .then(client.put("txn").value("first"))
        .else(client.get("txn"))
        .commit();
    expect((await create()).succeeded).toBe(true);
    const second = await create();
    expect(second.succeeded).toBe(false);
    expect(second.responses[0]!.response_range.kvs[0]!.value.toString()).toBe("first");
  });

  it("retries a software transaction that lost a race", async () => {
    await client.put("stm").value(0);
    const increment = () =>
      client.stm().transact(async (transaction) => {
        const value = await transaction.get("stm").number();
        await transaction.put("stm").value((value ?? 0) + 1);
      });
    await Promise.all([increment(), increment(), increment()]);
    expect(await client.get("stm").number()).toBe(3);
  });

  it("watches a prefix through a restart of the gateway", async () => {
    const seen: string[] = [];
    const watcher: Watcher = await client.watch().prefix("watched/").create();
    watcher.on("put", (kv) => seen.push(`put ${kv.key.toString()}=${kv.value.toString()}`));
    watcher.on("delete", (kv) => seen.push(`delete ${kv.key.toString()}`));
    await client.put("watched/a").value("1");
    await client.delete().key("watched/a");
    await eventually("both events", { withinMs: 10_000 }, () => seen.length === 2);
    await cluster.tell("kill", "gateway1");
    await cluster.tell("start", "gateway1");
    await eventually("the client to write again", { withinMs: 30_000 }, async () => {
      await client.put("watched/b").value("2");
      return true;
    });
    await eventually("the event after the restart", { withinMs: 30_000 }, () =>
      seen.includes("put watched/b=2"),
    );
    expect(seen.slice(0, 2)).toEqual(["put watched/a=1", "delete watched/a"]);
    await watcher.cancel();
  });

  it("keeps a lease alive, and loses its keys with it", async () => {
    const lease = client.lease(3);
    await lease.put("leased").value("here");
    expect(await client.get("leased").string()).toBe("here");
    await lease.revoke();
    expect(await client.get("leased").string()).toBeNull();
    const gone = client.lease(3);
    await gone.grant();
    await client.leaseClient.leaseRevoke({ ID: await gone.grant() });
    await expect(gone.put("leased").value("again").exec()).rejects.toBeInstanceOf(EtcdLeaseInvalidError);
  });

  it("takes a lock that others wait for", async () => {
    const first = client.lock("resource");
    await first.acquire();
    await expect(client.lock("resource").acquire()).rejects.toThrow();
    await first.release();
    await client.lock("resource").do(async () => {
      expect(await client.get("anything").string()).toBeNull();
    });
  });

  it("elects a leader and lets others observe it", async () => {
    const election = client.election("boss", 5);
    const campaign = election.campaign("candidate-1");
    await new Promise<void>((resolve, reject) => {
      campaign.on("elected", resolve);
      campaign.on("error", reject);
    });
    expect(await election.leader()).toBe("candidate-1");
    await campaign.resign();
  });
});
