import { join } from "node:path";
import { binaryString, EMPTY_BYTES, randomInteger, seededPrng, successorOf } from "@quorate/base";
import { etcdserverpb, type mvccpb } from "@quorate/wire";
import { run } from "../harness/child-process";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { EtcdServer } from "../harness/etcd-server";
import { QuorateCluster } from "../harness/quorate-cluster";
import { nodeExecutable, serviceMain } from "../harness/repository";
import { temporaryFolder } from "../harness/temporary-folder";
import { whereEtcdIsInstalled } from "./etcd-installed";

const KEYS = 10_000;
const PUTS_IN_TXN = 100;
const AT_ONCE = 50;
const LEASES = 5;
/** Longer than a test takes. */
const TTL_SECONDS = 3600;
const LARGE_VALUE_BYTES = 1_000_000;
const PAGE = 2000;
const WITHIN_MS = 60_000;

const everyKey = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
const name = (index: number): Buffer => Buffer.from(`keys/${String(index).padStart(6, "0")}`);

/** 10,000 keys, of which a tenth is put again, a tenth deleted, and some attached to leases. @returns where it is compacted. */
async function load(client: EtcdClient): Promise<number> {
  const prng = seededPrng(17);
  for (let index = 0; index < LEASES; index += 1)
    await client.leaseGrant({ ID: 1000 + index, TTL: TTL_SECONDS });
  const leaseOf = (index: number): number => (index % 10 === 0 ? 1000 + (index % LEASES) : 0);
  const put = (index: number, value: string): etcdserverpb.RequestOp.$Properties => ({
    requestPut: { key: name(index), value: Buffer.from(value), lease: leaseOf(index) },
  });
  for (let from = 0; from < KEYS; from += PUTS_IN_TXN) {
    const success = Array.from({ length: PUTS_IN_TXN }, (_, at) => put(from + at, `first ${from + at}`));
    await client.txn({ success });
  }
  /** Puts and deletes in turn, several at once. @returns a revision after all of them. */
  const again = async (count: number): Promise<number> => {
    for (let from = 0; from < count; from += AT_ONCE)
      await Promise.all(
        Array.from({ length: AT_ONCE }, (_, at) => {
          const key = name(randomInteger(prng, 0, KEYS - 1));
          return at % 2 === 0
            ? client.put({ key, value: Buffer.from(`again ${from + at}`) })
            : client.deleteRange({ key });
        }),
      );
    return Number((await client.put({ key: Buffer.from("mark") })).header?.revision);
  };
  const middle = await again(KEYS / 10);
  await client.put({ key: Buffer.from("large"), value: Buffer.alloc(LARGE_VALUE_BYTES, "large") });
  await again(KEYS / 10);
  await client.compact({ revision: middle });
  return middle;
}

type Contents = Map<string, mvccpb.KeyValue.$Properties>;

/** Everything that is readable at a revision, by keys. */
async function contentsOf(client: EtcdClient, revision = 0): Promise<Contents> {
  const contents: Contents = new Map();
  let from: Uint8Array = everyKey.key;
  for (;;) {
    const { kvs, more } = await client.range({ ...everyKey, key: from, limit: PAGE, revision });
    for (const kv of kvs) contents.set(binaryString(kv.key ?? EMPTY_BYTES), kv);
    const last = kvs.at(-1);
    if (!more || last === undefined) return contents;
    from = successorOf(last.key ?? EMPTY_BYTES);
  }
}

/** What must be equal, as text: revisions are another cluster's own after an import. */
function expectSame(actual: Contents, expected: Contents, what: "values" | "versions"): void {
  const shown = (kv: mvccpb.KeyValue.$Properties | undefined): unknown =>
    kv && [
      Buffer.from(kv.value ?? []).toString("latin1"),
      String(kv.lease),
      ...(what === "versions" ? [kv.createRevision, kv.modRevision, kv.version].map(String) : []),
    ];
  expect(actual.size).toBe(expected.size);
  for (const [key, kv] of expected) expect([key, shown(actual.get(key))]).toEqual([key, shown(kv)]);
}

async function leasesOf(client: EtcdClient): Promise<string[]> {
  const { leases } = await client.call(etcdMethods.leases, {});
  return leases.map(({ ID }) => String(ID)).sort();
}

async function etcdctl(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run("etcdctl", args, {
    environment: { ETCDCTL_API: "3" },
    timeoutMs: WITHIN_MS,
  });
  expect({ args, exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ args, exitCode: 0, stderr: "" });
  return stdout;
}

function importInto(cluster: QuorateCluster, file: string, ...flags: readonly string[]) {
  const args = [serviceMain("quorate"), "import", file, "--data-dir", cluster.dataDir, ...flags];
  return run(nodeExecutable, args, { timeoutMs: WITHIN_MS });
}

whereEtcdIsInstalled("snapshot files", () => {
  it("of a real etcd are imported: the same keys, values and leases, key by key", async () => {
    await using folder = await temporaryFolder("import");
    const file = join(folder.path, "etcd.db");
    await using etcd = await EtcdServer.start(1);
    const source = new EtcdClient({ address: etcd.address });
    await load(source);
    await etcdctl(`--endpoints=${etcd.address}`, "snapshot", "save", file);

    await using quorate = await QuorateCluster.start({ members: 1 });
    const target = new EtcdClient({ address: quorate.address() });
    // Starting the cluster has written a key: into one with contents nothing is imported unless that is said.
    expect(await importInto(quorate, file)).toMatchObject({ exitCode: 1, stdout: "" });
    await target.deleteRange(everyKey);
    const imported = await importInto(quorate, file);

    expect(imported).toMatchObject({ exitCode: 0 });
    expectSame(await contentsOf(target), await contentsOf(source), "values");
    expect(await leasesOf(target)).toEqual(await leasesOf(source));
    const large = await etcdctl(`--endpoints=${quorate.address()}`, "get", "large", "--print-value-only");
    expect(large.endsWith("largelarge\n")).toBe(true);
    source.close();
    target.close();
  }, 180_000);

  it("are made for etcd while clients write: restored, it has the same keys, revisions and leases", async () => {
    await using folder = await temporaryFolder("snapshot");
    const file = join(folder.path, "quorate.db");
    await using quorate = await QuorateCluster.start({ members: 3 });
    const source = new EtcdClient({ address: quorate.address() });
    const compacted = await load(source);
    const { header } = await source.put({ key: Buffer.from("before"), value: Buffer.from("the snapshot") });
    const before = Number(header?.revision);

    let writing = true;
    const writer = (async (): Promise<number> => {
      let puts = 0;
      for (; writing; puts += 1)
        await source.put({ key: name(puts % KEYS), value: Buffer.from(`during ${puts}`) });
      return puts;
    })();
    await etcdctl(`--endpoints=${quorate.address()}`, "snapshot", "save", file);
    writing = false;
    expect(await writer).toBeGreaterThan(0);
    const status = JSON.parse(await etcdctl("snapshot", "status", file, "--write-out=json")) as {
      revision: number;
    };
    // Whatever was acknowledged before it began is in it.
    expect(status.revision).toBeGreaterThanOrEqual(before);

    await using etcd = await EtcdServer.start(1, [], file);
    const restored = new EtcdClient({ address: etcd.address });
    for (const revision of [compacted, before, status.revision])
      expectSame(await contentsOf(restored, revision), await contentsOf(source, revision), "versions");
    expect(await leasesOf(restored)).toEqual(await leasesOf(source));
    // It is a store like any other: it can be written to, shrunk and compacted.
    await restored.put({ key: Buffer.from("after"), value: Buffer.from("the restore") });
    await restored.compact({ revision: status.revision, physical: true });
    await etcdctl(`--endpoints=${etcd.address}`, "defrag");
    source.close();
    restored.close();
  }, 180_000);
});
