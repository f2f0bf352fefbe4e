import { etcdserverpb } from "@quorate/wire";

import { EtcdClient } from "../harness/etcd-client";
import { EtcdServer } from "../harness/etcd-server";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { QuorateCluster } from "../harness/quorate-cluster";
import { whereEtcdIsInstalled } from "./etcd-installed";
import { command, etcdctl } from "./etcdctl-script";

const { FilterType } = etcdserverpb.WatchCreateRequest;

function key(text: string): Buffer {
  return Buffer.from(text);
}

/** What one server is made to do, so that the other can be made to do the same. */
interface Scene {
  readonly watch: EtcdWatch;
  readonly client: EtcdClient;
  /** The revision at which the scene began. */
  readonly revision: number;
  /** Waits for this many responses in all. */
  responses(count: number): Promise<void>;
  /** Asks for progress until a response to it has come; the server may drop a request. */
  progress(): Promise<void>;
}

const scenes: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  "events of one key, live": async ({ watch, client, responses }) => {
    watch.create({ key: key("a") });
    await responses(1);
    await client.put({ key: key("a"), value: key("1") });
    await client.put({ key: key("b"), value: key("2") });
    await client.put({ key: key("a"), value: key("3") });
    await client.deleteRange({ key: key("a") });
    await client.deleteRange({ key: key("a") });
    await responses(4);
  },
  "a prefix with previous values": async ({ watch, client, responses }) => {
    await client.put({ key: key("p/1"), value: key("old") });
    watch.create({ key: key("p/"), rangeEnd: key("p0"), prevKv: true });
    await responses(1);
    await client.put({ key: key("p/1"), value: key("new") });
    await responses(2);
    await client.put({ key: key("p/2"), value: key("first") });
    await responses(3);
    await client.deleteRange({ key: key("p/"), rangeEnd: key("p0") });
    await responses(4);
  },
  "a transaction is one response": async ({ watch, client, responses }) => {
    watch.create({ key: key("\0"), rangeEnd: key("\0") });
    await responses(1);
    const put = (name: string) => ({ requestPut: { key: key(name), value: key("t") } });
    await client.txn({ success: [put("t2"), put("t1"), { requestDeleteRange: { key: key("none") } }] });
    await responses(2);
  },
  "history, then live": async ({ watch, client, responses, revision }) => {
    for (const value of ["1", "2", "3"]) await client.put({ key: key("h"), value: key(value) });
    await client.deleteRange({ key: key("h") });
    watch.create({ key: key("h"), startRevision: revision + 2, prevKv: true });
    await responses(2);
    await client.put({ key: key("h"), value: key("4") });
    await responses(3);
  },
  "a start in the future": async ({ watch, client, responses, revision }) => {
    watch.create({ key: key("f"), startRevision: revision + 3 });
    await responses(1);
    for (const value of ["1", "2", "3"]) await client.put({ key: key("f"), value: key(value) });
    await responses(2);
  },
  filters: async ({ watch, client, responses }) => {
    watch.create({ key: key("x"), filters: [FilterType.NOPUT] });
    watch.create({ key: key("x"), filters: [FilterType.NODELETE] });
    await responses(2);
    await client.put({ key: key("x"), value: key("1") });
    await responses(3);
    await client.deleteRange({ key: key("x") });
    await responses(4);
  },
  "ids: chosen, given, used twice, used again": async ({ watch, responses }) => {
    watch.create({ key: key("i"), watchId: 1 });
    await responses(1);
    watch.create({ key: key("i") });
    await responses(2);
    watch.create({ key: key("i") });
    await responses(3);
    watch.create({ key: key("i"), watchId: 1 });
    await responses(4);
    watch.send({ cancelRequest: { watchId: 1 } });
    await responses(5);
    watch.send({ cancelRequest: { watchId: 77 } });
    watch.create({ key: key("i"), watchId: 1 });
    await responses(6);
    watch.create({ key: key("i"), watchId: -9 });
    await responses(7);
  },
  "an empty range": async ({ watch, responses }) => {
    watch.create({ key: key("b"), rangeEnd: key("a") });
    await responses(1);
    watch.create({ key: key("b"), rangeEnd: key("b") });
    await responses(2);
  },
  "no key at all is the first key": async ({ watch, client, responses }) => {
    watch.create({});
    await responses(1);
    await client.put({ key: key("\0"), value: key("first") });
    await responses(2);
  },
  "requests of no kind are ignored": async ({ watch, responses }) => {
    watch.send({});
    watch.create({ key: key("k") });
    await responses(1);
  },
  "nothing after a cancel": async ({ watch, client, responses }) => {
    watch.create({ key: key("c") });
    watch.create({ key: key("c") });
    await responses(2);
    watch.send({ cancelRequest: { watchId: 0 } });
    await responses(3);
    await client.put({ key: key("c"), value: key("1") });
    await responses(4);
  },
  "goes on after the client has said its last": async ({ watch, client, responses }) => {
    watch.create({ key: key("l") });
    await responses(1);
    watch.halfClose();
    await client.put({ key: key("l"), value: key("1") });
    await responses(2);
  },
  progress: async ({ watch, client, responses, progress }) => {
    watch.create({ key: key("q") });
    await responses(1);
    await client.put({ key: key("other"), value: key("1") });
    await client.put({ key: key("q"), value: key("1") });
    await responses(2);
    await progress();
  },
  "compaction behind, at and before the start": async ({ watch, client, responses, revision }) => {
    for (const value of ["1", "2", "3"]) await client.put({ key: key("o"), value: key(value) });
    await client.deleteRange({ key: key("o") });
    // Not at the delete: etcd before 3.5.18 forgets one there.
    await client.compact({ revision: revision + 3 });
    watch.create({ key: key("o"), startRevision: revision + 2 });
    await responses(2);
    watch.create({ key: key("o"), startRevision: revision + 3 });
    await responses(4);
    watch.send({ cancelRequest: { watchId: 0 } });
    await responses(5);
  },
};

// What etcd answers is the expectation: the same requests go to a real one.
whereEtcdIsInstalled("Watch compared with etcd", () => {
  let etcd: EtcdServer;
  let quorate: QuorateCluster;

  beforeAll(async () => {
    [etcd, quorate] = await Promise.all([EtcdServer.start(1), QuorateCluster.start({ members: 3 })]);
    // Starting Quorate has written a probe: both must stand at the same revision.
    const [there, here] = [
      new EtcdClient({ address: etcd.address }),
      new EtcdClient({ address: quorate.address() }),
    ];
    const { header } = await here.range({ key: key("harness/probe") });
    for (let revision = 2; revision <= Number(header?.revision); revision += 1)
      await there.put({ key: key("harness/probe") });
    there.close();
    here.close();
  }, 60_000);

  afterAll(() => Promise.all([etcd[Symbol.asyncDispose](), quorate[Symbol.asyncDispose]()]), 30_000);

  it.each(Object.keys(scenes))(
    "answers alike: %s",
    async (name) => {
      const [expected, actual] = await Promise.all(
        [etcd.address, quorate.address()].map((address) => play(address, scenes[name]!)),
      );
      expect(actual).toEqual(expected);
    },
    30_000,
  );

  it("prints what etcdctl watch prints against etcd", async () => {
    const revisions = await Promise.all(
      [etcd.address, quorate.address()].map(async (address) => {
        const { stdout } = await etcdctl(address, command("put", "ctl/a", "1", "-w", "json"));
        for (const args of [
          ["put", "ctl/a", "2"],
          ["put", "ctl/b", "3"],
          ["del", "ctl/a"],
        ])
          await etcdctl(address, command(...args));
        return (JSON.parse(stdout) as { header: { revision: number } }).header.revision;
      }),
    );
    expect(revisions[1]).toBe(revisions[0]);
    const rev = `--rev=${revisions[0]}`;
    const lines = [
      command("watch", "ctl/", "--prefix", rev, "--prev-kv", "-w", "simple"),
      command("watch", "ctl/", "--prefix", rev, "-w", "fields"),
      command("watch", "ctl/a", rev, "-w", "json"),
      command("watch", "ctl/a", "ctl/b", rev),
    ];
    for (const line of lines) {
      const [expected, actual] = await Promise.all(
        [etcd.address, quorate.address()].map((address) => etcdctl(address, { ...line, timeoutMs: 1500 })),
      );
      expect(actual!.stdout).toBe(expected!.stdout);
      expect(actual!.stdout.length).toBeGreaterThan(20);
    }
  }, 60_000);
});

async function play(address: string, scene: (scene: Scene) => Promise<void>): Promise<unknown[]> {
  const client = new EtcdClient({ address });
  const watch = new EtcdWatch(address);
  const responses = (count: number): Promise<void> => watch.untilResponses(count);
  const progress = async (): Promise<void> => {
    const before = watch.responses.length;
    await eventually("progress", { withinMs: 10_000, everyMs: 200 }, () => {
      if (watch.responses.length > before) return true;
      watch.send({ progressRequest: {} });
      return false;
    });
  };
  try {
    const { header } = await client.range({ key: key("none") });
    await scene({ watch, client, revision: Number(header?.revision), responses, progress });
    return watch.responses.map(comparable);
  } finally {
    watch.close();
    client.close();
  }
}

/** A response without what differs between any two clusters. */
function comparable(response: etcdserverpb.WatchResponse): unknown {
  const { header, ...rest } = etcdserverpb.WatchResponse.decode(
    etcdserverpb.WatchResponse.encode(response).finish(),
  );
  return JSON.parse(JSON.stringify({ ...rest, revision: Number(header?.revision ?? 0) }));
}
