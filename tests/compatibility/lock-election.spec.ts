import { EtcdClient } from "../harness/etcd-client";
import { EtcdServer } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { HttpCaller, type HttpAnswer } from "../harness/http-caller";
import { QuorateCluster } from "../harness/quorate-cluster";
import { whereEtcdIsInstalled } from "./etcd-installed";
import { command, etcdctl } from "./etcdctl-script";
import { bytes, RecipeScene, withoutDrawnLease } from "./recipe-scene";

type Scene = (scene: RecipeScene) => Promise<void>;

/** Lease ids of one scene must not be those of another one: all play on the same store. */
const scenes: Readonly<Record<string, Scene>> = {
  "a lock is taken, taken again and given back": async (scene) => {
    await scene.grant(11);
    await scene.call("lock", { name: bytes("l1"), lease: 11 });
    await scene.call("lock", { name: bytes("l1"), lease: 11 });
    await scene.call("range", { key: bytes("l1/b") });
    await scene.call("unlock", { key: bytes("l1/b") });
    await scene.call("unlock", { key: bytes("l1/b") });
    await scene.call("lock", { name: bytes("l1"), lease: 11 });
  },
  "waiters get it in order": async (scene) => {
    for (const lease of [21, 22, 23]) await scene.grant(lease);
    await scene.call("lock", { name: bytes("l2"), lease: 21 });
    const second = scene.begin("lock", { name: bytes("l2"), lease: 22 });
    await scene.contenders("l2", 2);
    const third = scene.begin("lock", { name: bytes("l2"), lease: 23 });
    await scene.contenders("l2", 3);
    await scene.call("deleteRange", { key: bytes("l2/15") });
    await second.over;
    await scene.call("deleteRange", { key: bytes("l2/16") });
    await third.over;
  },
  "a waiter gives up, and the next one gets it": async (scene) => {
    for (const lease of [31, 32, 33]) await scene.grant(lease);
    await scene.call("lock", { name: bytes("l3"), lease: 31 });
    const second = scene.begin("lock", { name: bytes("l3"), lease: 32 }, 700);
    await scene.contenders("l3", 2);
    const third = scene.begin("lock", { name: bytes("l3"), lease: 33 });
    await scene.contenders("l3", 3);
    await second.over;
    await scene.contenders("l3", 2);
    await scene.call("unlock", { key: bytes("l3/1f") });
    await third.over;
    await scene.call("range", { key: bytes("l3/"), rangeEnd: bytes("l30") });
  },
  "the owner's lease is revoked": async (scene) => {
    for (const lease of [41, 42]) await scene.grant(lease);
    await scene.call("lock", { name: bytes("l4"), lease: 41 });
    const second = scene.begin("lock", { name: bytes("l4"), lease: 42 });
    await scene.contenders("l4", 2);
    await scene.call("leaseRevoke", { ID: 41 });
    await second.over;
  },
  "the owner's lease expires": async (scene) => {
    await scene.grant(51, 2);
    await scene.grant(52);
    await scene.call("lock", { name: bytes("l5"), lease: 51 });
    await scene.begin("lock", { name: bytes("l5"), lease: 52 }).over;
    await scene.call("range", { key: bytes("l5/"), rangeEnd: bytes("l50") });
  },
  "a server's lease, no name, and what is wrong": async (scene) => {
    await scene.grant(61);
    const answer = await scene.call("lock", { name: bytes("l6") });
    await scene.call("unlock", { key: answer?.key ?? bytes("none") });
    await scene.call("lock", { lease: 61 });
    await scene.call("unlock", { key: bytes("/3d") });
    await scene.call("lock", { name: bytes("l6"), lease: 987_654 });
    await scene.call("lock", { name: bytes("l6"), lease: -5 });
    await scene.call("unlock", {});
    await scene.call("unlock", { key: bytes("nobody's") });
  },
  "an election with two candidates": async (scene) => {
    for (const lease of [71, 72]) await scene.grant(lease);
    const name = bytes("e1");
    const observer = scene.observe("e1");
    await scene.call("leader", { name });
    const first = await scene.call("campaign", { name, lease: 71, value: bytes("one") });
    await observer.untilResponses(1);
    const second = scene.begin("campaign", { name, lease: 72, value: bytes("two") });
    await scene.contenders("e1", 2);
    await scene.call("leader", { name });
    await scene.call("proclaim", { leader: first!.leader!, value: bytes("one more") });
    await observer.untilResponses(2);
    await scene.call("resign", { leader: first!.leader! });
    await second.over;
    await observer.untilResponses(3);
    await scene.call("proclaim", { leader: first!.leader!, value: bytes("too late") });
    await scene.call("resign", { leader: first!.leader! });
    await scene.call("leaseRevoke", { ID: 72 });
    await scene.call("leader", { name });
    await scene.grant(73);
    await scene.call("campaign", { name, lease: 73, value: bytes("three") });
    await observer.untilResponses(4);
    scene.noteObserved(observer.responses);
  },
  "a candidate again, one who gives up, and one without a value": async (scene) => {
    for (const lease of [81, 82]) await scene.grant(lease);
    const name = bytes("e2");
    await scene.call("campaign", { name, lease: 81, value: bytes("a") });
    await scene.call("campaign", { name, lease: 81, value: bytes("a") });
    await scene.call("campaign", { name, lease: 81, value: bytes("b") });
    await scene.call("leader", { name });
    const second = scene.begin("campaign", { name, lease: 82 }, 700);
    await scene.contenders("e2", 2);
    await second.over;
    await scene.contenders("e2", 1);
    const third = scene.begin("campaign", { name, lease: 82 });
    await scene.contenders("e2", 2);
    await scene.call("leaseRevoke", { ID: 81 });
    await third.over;
    await scene.call("leader", { name });
  },
  "an election without a name, without a lease, and what is wrong": async (scene) => {
    const name = bytes("e3");
    const leader = (await scene.call("campaign", { name, value: bytes("x") }))?.leader ?? null;
    await scene.call("leader", { name });
    await scene.call("proclaim", { leader: { ...leader, lease: 0 }, value: bytes("y") });
    await scene.call("leader", { name });
    await scene.call("campaign", { name, lease: 987_654 });
    await scene.call("proclaim", { leader: { ...leader, lease: 987_654 } });
    await scene.call("proclaim", { leader: { ...leader, rev: 1 } });
    await scene.call("proclaim", { value: bytes("y") });
    await scene.call("proclaim", { leader: {} });
    await scene.call("resign", { leader: { ...leader, rev: 1 } });
    await scene.call("resign", {});
    await scene.call("resign", { leader: {} });
    await scene.call("leader", {});
    const observer = scene.observe("e3");
    await observer.untilResponses(1);
    await scene.call("resign", { leader });
    scene.noteObserved(observer.responses);
  },
};

const [lockName, electionName] = ["aHR0cC1sb2Nr", "aHR0cC1lbGVjdGlvbg=="]; // http-lock, http-election
const lockKey = "aHR0cC1sb2NrLzdi"; // http-lock/7b
const leader = { name: electionName, key: "aHR0cC1lbGVjdGlvbi83Yg==", lease: "123" };

/** In this order. The last element is a header. */
const httpRequests: readonly (readonly [path: string, body: unknown, timeout?: string])[] = [
  ["/v3/lease/grant", { ID: "123", TTL: "100" }],
  ["/v3/lease/grant", { ID: "124", TTL: "100" }],
  ["/v3/lock/lock", { name: lockName, lease: "123" }],
  ["/v3/lock/lock", { name: lockName, lease: "124" }, "600m"],
  ["/v3/lock/unlock", { key: lockKey }],
  ["/v3/lock/lock", { name: lockName, lease: "124" }],
  ["/v3/lock/lock", { name: lockName, lease: "9876543" }],
  ["/v3/lock/unlock", {}],
  ["/v3/election/leader", { name: electionName }],
  ["/v3/election/campaign", { name: electionName, lease: "123", value: "b25l" }],
  ["/v3/election/campaign", { name: electionName, lease: "124", value: "dHdv" }, "600m"],
  ["/v3/election/leader", { name: electionName }],
  ["/v3/election/proclaim", { leader: { ...leader, rev: "1" }, value: "dHdv" }],
  ["/v3/election/proclaim", {}],
  ["/v3/election/observe", { name: electionName }, "900m"],
  ["/v3/election/resign", {}],
  ["/v3/election/resign", { leader: { ...leader, rev: "1" } }],
  ["/v3/election/resign", { leader: {} }],
];

// What etcd answers is the expectation: the same scenes are played on a real one.
whereEtcdIsInstalled("locks and elections compared with etcd", () => {
  let etcd: EtcdServer;
  let quorate: QuorateCluster;
  let addresses: readonly [string, string];

  beforeAll(async () => {
    [etcd, quorate] = await Promise.all([EtcdServer.start(1), QuorateCluster.start({ members: 3 })]);
    addresses = [etcd.address, quorate.address()];
    // Starting Quorate has written a probe: both must stand at the same revision.
    const [there, here] = addresses.map((address) => new EtcdClient({ address })) as [EtcdClient, EtcdClient];
    const { header } = await here.range({ key: bytes("harness/probe") });
    for (let revision = 2; revision <= Number(header?.revision); revision += 1)
      await there.put({ key: bytes("harness/probe") });
    there.close();
    here.close();
  }, 60_000);

  afterAll(() => Promise.all([etcd?.[Symbol.asyncDispose](), quorate?.[Symbol.asyncDispose]()]), 30_000);

  async function both<T>(play: (address: string) => Promise<T>): Promise<readonly [T, T]> {
    const [theirs, ours] = addresses;
    return Promise.all([play(theirs), play(ours)]);
  }

  it.each(Object.keys(scenes))(
    "answers alike: %s",
    async (name) => {
      const [expected, actual] = await both(async (address) => {
        const scene = new RecipeScene(address);
        try {
          await scenes[name]!(scene);
          return scene.log;
        } finally {
          scene.close();
        }
      });
      expect(actual).toEqual(expected);
    },
    40_000,
  );

  it("answers alike over HTTP, on all seven paths", async () => {
    for (const [path, body, timeout] of httpRequests) {
      const headers: Record<string, string> = timeout === undefined ? {} : { "Grpc-Timeout": timeout };
      const [expected, actual] = await both((address) => new HttpCaller(address).post(path, body, headers));
      const request = `${path} ${JSON.stringify(body)}`;
      expect({ request, ...comparable(actual) }).toEqual({ request, ...comparable(expected) });
      // What a caller left behind is taken away after the answer, by each server in its own time.
      if (timeout !== undefined) await untilAtOneRevision();
    }
  }, 60_000);

  async function untilAtOneRevision(): Promise<void> {
    const clients = addresses.map((address) => new EtcdClient({ address }));
    try {
      await eventually("both to stand at one revision", { withinMs: 10_000 }, async () => {
        const answers = await Promise.all(clients.map((client) => client.range({ key: bytes("none") })));
        return new Set(answers.map(({ header }) => String(header?.revision))).size === 1;
      });
    } finally {
      for (const client of clients) client.close();
    }
  }

  it("prints what etcdctl lock and elect print against etcd", async () => {
    const lines = [
      command("lock", "ctl-lock", "echo", "held"),
      command("lock", "ctl-lock", "false"),
      { ...command("lock", "ctl-lock"), timeoutMs: 1500 },
      { ...command("elect", "ctl-election", "me"), timeoutMs: 1500 },
      { ...command("elect", "-l", "ctl-election"), timeoutMs: 1500 },
    ];
    for (const line of lines) {
      const [expected, actual] = await both((address) => etcdctl(address, line));
      const [theirs, ours] = [expected, actual].map(({ stdout, exitCode }) => ({
        stdout: withoutDrawnLease(stdout),
        exitCode,
      }));
      expect({ args: line.args, ...ours }).toEqual({ args: line.args, ...theirs });
    }
  }, 60_000);

  // Last, since etcd does not do the same: before 3.5 it says that such a waiter has the lock, since then it says so later.
  it("tells a waiter whose lease was revoked that its session has expired, at once", async () => {
    const scene = new RecipeScene(addresses[1]);
    for (const lease of [91, 92]) await scene.grant(lease);
    await scene.call("lock", { name: bytes("l9"), lease: 91 });
    const second = scene.begin("lock", { name: bytes("l9"), lease: 92 });
    await scene.contenders("l9", 2);
    await scene.call("leaseRevoke", { ID: 92 });
    await second.over;
    scene.close();
    expect(scene.log).toContainEqual({ lock: "2 mutex: session is expired" });
  }, 20_000);
});

/**
 * Without what two clusters cannot have in common, and what only some releases of etcd's gateway add to errors. Whether etcd
 * answers a deadline with the code for it or with UNKNOWN is chance there.
 */
function comparable({ status, text }: HttpAnswer): object {
  const isLate = text.includes("context deadline exceeded");
  const isAdded = (line: string, field: string): boolean => {
    if (["details", "http_status"].includes(field)) return true;
    if (isLate && ["code", "grpc_code", "http_code"].includes(field)) return true;
    return field === "code" && line.startsWith('{"error":{');
  };
  const lines = text.split("\n").filter((line) => line !== "");
  return {
    status: isLate ? "late" : status,
    lines: lines.map((line): unknown =>
      JSON.parse(line, (field, value: unknown) => {
        if (field === "header") return (value as { revision?: string }).revision;
        return isAdded(line, field) ? undefined : value;
      }),
    ),
  };
}
