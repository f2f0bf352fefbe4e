import { EtcdServer } from "../harness/etcd-server";
import { QuorateCluster } from "../harness/quorate-cluster";
import { whereEtcdIsInstalled } from "./etcd-installed";
import { command, etcdctl, etcdctlScript } from "./etcdctl-script";

whereEtcdIsInstalled("etcdctl against Quorate", () => {
  let etcd: EtcdServer;
  let quorate: QuorateCluster;

  beforeAll(async () => {
    [etcd, quorate] = await Promise.all([EtcdServer.start(1), QuorateCluster.start({ members: 3 })]);
    // Starting Quorate has written a probe: without it the revisions differ for the whole script.
    const { stdout } = await etcdctl(quorate.address(), command("get", "harness/probe", "-w", "json"));
    const { revision } = (JSON.parse(stdout) as { header: { revision: number } }).header;
    for (let at = 2; at <= revision; at += 1)
      await etcdctl(etcd.address, command("put", "harness/probe", ""));
  }, 60_000);

  afterAll(() => Promise.all([etcd[Symbol.asyncDispose](), quorate[Symbol.asyncDispose]()]), 30_000);

  it("prints what it prints against etcd, for a script of get, put, del, txn and compaction", async () => {
    for (const [at, line] of etcdctlScript.entries()) {
      const [expected, actual] = await Promise.all([
        etcdctl(etcd.address, line),
        etcdctl(quorate.address(), line),
      ]);
      const title = `line ${at}: etcdctl ${line.args.join(" ")}`;

      expect({ title, ...actual }).toEqual({ title, ...expected });
    }
  }, 120_000);

  it("prints the same table of endpoint status, but for the contents", async () => {
    const [expected, actual] = await Promise.all(
      [etcd.address, quorate.address()].map((address) =>
        etcdctl(address, command("endpoint", "status", "-w", "table")),
      ),
    );

    expect(tableHead(actual?.stdout)).toEqual(tableHead(expected?.stdout));
    const [endpoint, id, version, dbSize, isLeader, isLearner, term, index, applied, errors] = tableRow(
      actual?.stdout,
    );
    expect(endpoint).toBe("ADDRESS");
    expect(id).toMatch(/^[0-9a-f]{1,16}$/);
    expect(version).toMatch(/^3\.\d+\.\d+$/);
    expect(dbSize).toMatch(/^\d+(\.\d+)? [kM]?B$/);
    expect(["true", "false"]).toContain(isLeader);
    expect(isLearner).toBe("false");
    expect(Number(term)).toBeGreaterThan(0);
    expect(Number(index)).toBeGreaterThan(0);
    expect(Number(applied)).toBeGreaterThan(0);
    expect(errors).toBe("");
  });

  it("lists every member as started, the gateway's home member with its URL", async () => {
    const { stdout, exitCode } = await etcdctl(quorate.address(), command("member", "list"));
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(", "));

    expect(exitCode).toBe(0);
    expect(rows.map(([, status, name, , , isLearner]) => ({ name, status, isLearner })).sort(byName)).toEqual(
      ["n1", "n2", "n3"].map((name) => ({ name, status: "started", isLearner: "false" })),
    );
    for (const [id] of rows) expect(id).toMatch(/^[0-9a-f]{1,16}$/);
    expect(rows.map(([, , , , clientUrls]) => clientUrls)).toContain("http://ADDRESS");
  });
});

function byName(a: { readonly name: string | undefined }, b: { readonly name: string | undefined }): number {
  return (a.name ?? "") < (b.name ?? "") ? -1 : 1;
}

function cells(line: string | undefined): string[] {
  return (line ?? "")
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function tableHead(table: string | undefined): string[] {
  return cells(table?.split("\n")[1]);
}

function tableRow(table: string | undefined): string[] {
  return cells(table?.split("\n")[3]);
}
