import { join } from "node:path";

import { parseClusterName, quorate, Subjects, wireId } from "@quorate/wire";
import { WriteLoad } from "../e2e/write-load";
import { buildEarlier, earlierCommit, hasCommit } from "../harness/earlier-build";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { leaderOf, settledMemberStates } from "../harness/member-states";
import { NatsCaller } from "../harness/nats-caller";
import { OtherBuild } from "../harness/other-build";
import { QuorateCluster } from "../harness/quorate-cluster";
import { repositoryRoot } from "../harness/repository";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";

const recoveryMaxMs = 30_000;
const leaseId = 4711;

// Goal: members of the release before and of this one make one cluster, whoever leads, and each can go back until all have
// gone forward. Method: a cluster of the earlier build is rolled, one process at a time, under writers that keep book of
// what was acknowledged and a watcher of all keys; after each step all members must have come to the same state.
describe("a cluster whose members are upgraded one by one", () => {
  let isPossible: boolean;
  let folder: TemporaryFolder;
  let cluster: QuorateCluster;
  let present: OtherBuild;
  let client: EtcdClient;
  let watch: EtcdWatch;
  let watchedFrom: number;
  const loads: WriteLoad[] = [];

  beforeAll(async () => {
    isPossible = await hasCommit(earlierCommit);
    if (!isPossible) {
      process.stderr.write(`skipped: the history here does not go back to ${earlierCommit}\n`);
      return;
    }
    folder = await temporaryFolder("mixed");
    const build = await buildEarlier(earlierCommit, join(folder.path, "build"));
    cluster = await QuorateCluster.start({ members: 3, build });
    present = new OtherBuild(repositoryRoot, cluster);
    client = new EtcdClient({ address: cluster.address() });
    await client.leaseGrant({ ID: leaseId, TTL: 600 });
    const { header } = await client.put({ key: Buffer.from("leased"), lease: leaseId });
    watchedFrom = Number(header?.revision) + 1;
    watch = new EtcdWatch(cluster.address());
    watch.create({ key: Buffer.from([0]), rangeEnd: Buffer.from([0]), startRevision: watchedFrom });
    await watch.untilCreated();
  }, 240_000);

  afterAll(async () => {
    watch?.close();
    client?.close();
    await present?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  }, 60_000);

  function step(what: string, test: () => Promise<void>): void {
    it(what, async () => (isPossible ? test() : undefined), 120_000);
  }

  /** Does something under writers, and checks that nothing is lost and all members are the same afterwards. */
  async function underLoad(doIt: () => Promise<void>): Promise<void> {
    const load = new WriteLoad({ prefix: `step${loads.length}/`, writers: 8 }, client);
    loads.push(load);
    await load.untilAcknowledged(50, recoveryMaxMs);
    await doIt();
    await load.untilAcknowledged(150, recoveryMaxMs);
    await load.stop();
    expect(await load.violations()).toEqual([]);
    const states = await settledMemberStates(cluster, recoveryMaxMs);
    expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
  }

  async function forward(name: string): Promise<void> {
    await cluster.tell("kill", name);
    present.start(name);
    await untilAnswering(name);
  }

  async function back(name: string): Promise<void> {
    await present.end(name, "SIGTERM");
    await cluster.tell("start", name);
    await untilAnswering(name);
  }

  function untilAnswering(name: string): Promise<unknown> {
    return eventually(`${name} to answer`, { withinMs: recoveryMaxMs }, () => clusterVersionOf(name));
  }

  /** What a member says: "version 2"; 0 if its build knows of no versions. */
  async function clusterVersionOf(name: string): Promise<string> {
    await using caller = await NatsCaller.connect(cluster.brokerUrl);
    const { NodeStatus, NodeStatusRequest } = quorate.internal.v1;
    const member = BigInt(`0x${cluster.process(name).memberId}`);
    const subject = new Subjects(parseClusterName(cluster.name)).node(member, "status");
    const { data } = await caller.request(subject, { data: NodeStatusRequest.encode({}).finish() }, 1000);
    return `version ${NodeStatus.decode(data).clusterVersion}`;
  }

  async function lead(name: string): Promise<void> {
    await eventually(`${name} to lead`, { withinMs: recoveryMaxMs, everyMs: 200 }, async () => {
      if ((await leaderOf(cluster, 5000)) === name) return true;
      const targetID = BigInt(`0x${cluster.process(name).memberId}`);
      await client.call(etcdMethods.moveLeader, { targetID: wireId(targetID) });
      return false;
    });
  }

  step("takes a follower of this build", () => underLoad(() => forward("n1")));

  step("is led by this build, and the earlier one follows, also when it has to catch up", () =>
    underLoad(async () => {
      await lead("n1");
      await cluster.tell("kill", "n2");
      await loads.at(-1)!.untilAcknowledged(50, recoveryMaxMs);
      await cluster.tell("start", "n2");
    }),
  );

  step("goes back to the earlier build, on the data that this one has written", () =>
    underLoad(() => back("n1")),
  );

  step("is led by the earlier build, and most members are of this one", async () => {
    await underLoad(() => lead("n3"));
    for (const name of ["n1", "n2"]) await underLoad(() => forward(name));
    expect(await leaderOf(cluster, recoveryMaxMs)).toBe("n3");
    expect(await clusterVersionOf("n1")).toBe("version 1");
  });

  step("still goes back, member by member, as long as one is of the earlier build", () =>
    underLoad(async () => {
      await back("n2");
      await forward("n2");
    }),
  );

  step("raises the cluster version when the last one has gone forward", async () => {
    await underLoad(() => forward("n3"));
    for (const name of cluster.members)
      await eventually(
        `${name} to apply the new version`,
        { withinMs: recoveryMaxMs },
        async () => (await clusterVersionOf(name)) === "version 2",
      );
    await underLoad(() => Promise.resolve());
  });

  step("lets no member go back from there: the earlier build does not open the data", async () => {
    await present.end("n3", "SIGKILL");
    await using earlier = new OtherBuild(join(folder.path, "build"), cluster);
    const { exitCode, stdout } = await earlier.run("n3");
    expect([exitCode, stdout]).toEqual([73, expect.stringContaining("the membership is of a format")]);
    await underLoad(async () => {
      present.start("n3");
      await untilAnswering("n3");
    });
  });

  step("serves one watch all the time, over a fan-out of either build", async () => {
    await underLoad(async () => {
      await cluster.tell("kill", "fanout1");
      present.start("fanout1");
    });
    const { header } = await client.put({ key: Buffer.from("last") });
    const last = Number(header?.revision);
    await eventually(
      `the watcher to hear of revision ${last}`,
      { withinMs: recoveryMaxMs },
      () => Number(watch.events.at(-1)?.kv?.modRevision) >= last,
    );
    const revisions = watch.events.map(({ kv }) => Number(kv?.modRevision));
    expect(watch.ended).toBeUndefined();
    expect(revisions).toEqual(revisions.map((_, at) => watchedFrom + at));
    const seen = new Map(
      watch.events.map(({ kv }) => [Number(kv?.modRevision), Buffer.from(kv?.key ?? []).toString()]),
    );
    const missing = loads.flatMap(({ acknowledged }) =>
      acknowledged.filter(({ revision, key }) => seen.get(revision) !== key),
    );
    expect(missing).toEqual([]);
    const lease = await client.call(etcdMethods.leaseTimeToLive, { ID: leaseId, keys: true });
    expect(lease.keys.map((key) => Buffer.from(key).toString())).toEqual(["leased"]);
    process.stderr.write(`${revisions.length} events in order while the members were rolled\n`);
  });

  step("ends with a gateway of this build, before which nothing was lost", async () => {
    await cluster.tell("kill", "gateway1");
    present.start("gateway1");
    await cluster.untilWritable(recoveryMaxMs);
    for (const load of loads) expect(await load.violations()).toEqual([]);
    expect((await client.status()).storageVersion).toBe("3.6.0+quorate.2");
  });
});
