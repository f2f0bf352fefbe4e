import { spawn } from "node:child_process";

import { exactly, prefix, QuorateClient } from "@quorate/client";

import { etcdctl } from "../compatibility/etcdctl-script";
import { killAndWait } from "../harness/child-process";
import { findProgram } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { LockContender, type Count } from "../workloads/lock-contender";

const RECOVERY_MS = 30_000;

const NAMES = { lock: "count/lock", value: "count/value" };

describe("locks and elections on a cluster of real processes", () => {
  let cluster: QuorateCluster;
  let client: QuorateClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, gateways: 2, fanouts: 2 });
    client = await connect();
  }, 60_000);

  afterAll(async () => {
    await client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  function connect(): Promise<QuorateClient> {
    return QuorateClient.connect({ servers: cluster.brokerUrl, cluster: cluster.name });
  }

  async function countNow(): Promise<number> {
    return ((await client.get("count/value"))?.json() as Count | undefined)?.count ?? 0;
  }

  async function untilCounted(more: number): Promise<void> {
    const target = (await countNow()) + more;
    const withinMs = 2 * RECOVERY_MS;
    await eventually(`${more} more to be counted`, { withinMs }, async () => (await countNow()) >= target);
  }

  // Nothing but the lock's guard keeps two contenders from reading the same count: one lost update shows as a count twice.
  it("lose no update of what the fencing token guards, whatever is killed", async () => {
    const { revision } = await client.put("count/start", "");
    const clients = await Promise.all(Array.from({ length: 5 }, connect));
    const contenders = clients.map((each) => new LockContender(NAMES, each));
    await untilCounted(20);
    const leader = await leaderOf(cluster, RECOVERY_MS);
    for (const victim of [leader, "gateway1", "fanout1"]) {
      await cluster.tell("kill", victim);
      await untilCounted(20);
      await cluster.tell("start", victim);
    }
    await untilCounted(20);
    await Promise.all(contenders.map((contender) => contender.stop()));

    const last = await countNow();
    const history: Count[] = [];
    for await (const { keyValue } of client.watch(exactly("count/value"), { fromRevision: revision + 1 })) {
      history.push(keyValue.json() as Count);
      if (history.at(-1)!.count === last) break;
    }
    expect(history.map(({ count }) => count)).toEqual(history.map((_, at) => at + 1));
    const tokens = history.map(({ token }) => token);
    expect(tokens).toEqual([...tokens].sort((one, other) => one - other));
    const held = contenders.flatMap((contender) => contender.tokens);
    expect(new Set(held).size).toBe(held.length);
    expect(contenders.filter((contender) => contender.tokens.length > 0)).toHaveLength(5);
    await eventually("the line to be empty", { withinMs: RECOVERY_MS }, async () => {
      return (await client.range(prefix("count/lock/"), { countOnly: true })).count === 0;
    });
    process.stderr.write(`${last} counted under ${held.length} locks\n`);
    await Promise.all(clients.map((each) => each.close()));
  }, 240_000);

  it("tell observers of every leader that lasts, across the loss of a leader of the cluster", async () => {
    const election = client.election("head", { ttlSeconds: 5 });
    const abort = new AbortController();
    const told: string[] = [];
    const observing = (async () => {
      for await (const leader of election.observe({ signal: abort.signal })) told.push(leader.text);
    })();
    const first = await election.campaign("one");
    const campaigning = election.campaign("two");
    await first.proclaim("one is ready");
    const heard = (text: string): Promise<unknown> =>
      eventually(`"${text}" to be heard`, { withinMs: RECOVERY_MS }, () => told.at(-1) === text);
    await heard("one is ready");
    const killed = await leaderOf(cluster, RECOVERY_MS);
    await cluster.tell("kill", killed);
    await cluster.untilWritable(RECOVERY_MS);
    expect(first.lost.aborted).toBe(false);
    await first.resign();
    const second = await campaigning;
    await heard("two");
    expect((await election.leader())?.createRevision).toBe(second.fencingToken);
    await cluster.tell("start", killed);
    await second.resign();
    abort.abort();
    await observing;
    expect(told.filter((text) => text === "two")).toHaveLength(1);
  }, 120_000);

  const whereEtcdctlIs = findProgram("etcdctl") === undefined ? it.skip : it;

  whereEtcdctlIs(
    "are shared with programs that use etcd's own recipes",
    async () => {
      const address = cluster.address();
      const lock = await client.mutex("shared").lock();
      const waiting = etcdctl(address, { args: ["lock", "shared", "printenv", "ETCD_LOCK_KEY"] });
      const inLine = async (): Promise<number> => (await client.range(prefix("shared/"))).count;
      await eventually("etcdctl to stand in line", { withinMs: 10_000 }, async () => (await inLine()) === 2);
      await lock.unlock();
      const { stdout, exitCode } = await waiting;
      expect(exitCode).toBe(0);
      expect(stdout.trim()).toMatch(/^shared\/[0-9a-f]{1,16}$/);

      // And the other way round: etcdctl without a command holds the lock until it is killed, and its lease ends 10 s later.
      const holder = spawn("etcdctl", [`--endpoints=${address}`, "lock", "shared"], {
        env: { ...process.env, ETCDCTL_API: "3" },
        stdio: "ignore",
      });
      await eventually("etcdctl to hold the lock", { withinMs: 10_000 }, async () => (await inLine()) === 1);
      expect(await client.mutex("shared").tryLock()).toBeUndefined();
      const locking = client.mutex("shared").lock();
      await killAndWait(holder);
      const next = await locking;
      await next.unlock();
    },
    60_000,
  );
});
