import { execFileSync } from "node:child_process";

import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { findProgram } from "../harness/etcd-server";
import { HttpCaller } from "../harness/http-caller";
import { QuorateCluster } from "../harness/quorate-cluster";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

interface Header {
  readonly revision: string;
}

describe("the HTTP door of a cluster", () => {
  let cluster: QuorateCluster;
  let http: HttpCaller;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3 });
    http = new HttpCaller(cluster.address());
  }, 60_000);

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  // What Patroni (patroni/dcs/etcd3.py) sends to take and keep its leader key, but for leases and watches.
  describe("asked what Patroni asks", () => {
    const leaderKey = base64("/service/demo/leader");
    const configKey = base64("/service/demo/config");
    const prefix = { key: base64("/service/demo/"), range_end: base64("/service/demo0") };

    it("tells versions that it can parse, and that select the prefix /v3", async () => {
      const { status, json } = await http.get("/version");
      const versions = json as { etcdserver: string; etcdcluster: string };
      const parts = (version: string): number[] =>
        version.split(".").map((part) => Number.parseInt(part, 10));

      expect(status).toBe(200);
      expect([...parts(versions.etcdserver), ...parts(versions.etcdcluster)].every(Number.isInteger)).toBe(
        true,
      );
      const [major = 0, minor = 0] = parts(versions.etcdcluster);
      expect(major * 100 + minor).toBeGreaterThanOrEqual(304);
    });

    it("lists members whose client URLs speak HTTP too", async () => {
      const { json } = await http.post("/v3/cluster/member/list", {});
      const { members } = json as { members: { ID: string; clientURLs?: string[] }[] };
      const urls = members.flatMap(({ clientURLs }) => clientURLs ?? []);

      expect(members).toHaveLength(3);
      expect(urls).not.toHaveLength(0);
      for (const url of urls)
        expect((await new HttpCaller(new URL(url).host).get("/version")).status).toBe(200);
    });

    it("lets one of two take the leader key, renew it by its revision, and give it up by its value", async () => {
      const missing = await http.post("/v3/kv/range", { ...prefix, serializable: true });
      expect(missing.json).not.toHaveProperty("kvs");

      const take = (name: string) => ({
        compare: [{ target: "CREATE", create_revision: "0", key: leaderKey }],
        success: [{ request_put: { key: leaderKey, value: base64(name) } }],
      });
      const [first, second] = [
        await http.post("/v3/kv/txn", take("pg1")),
        await http.post("/v3/kv/txn", take("pg2")),
      ].map(({ json }) => json as { succeeded?: boolean; header: Header });
      expect([first?.succeeded, second?.succeeded]).toEqual([true, undefined]);

      const revision = first?.header.revision ?? "";
      const renewed = await http.post("/v3/kv/txn", {
        compare: [{ target: "MOD", mod_revision: revision, key: leaderKey }],
        success: [{ request_put: { key: leaderKey, value: base64("pg1 again") } }],
      });
      expect(renewed.json).toMatchObject({ succeeded: true });

      const given = await http.post("/v3/kv/txn", {
        compare: [{ target: "VALUE", value: base64("pg1 again"), key: leaderKey }],
        success: [{ request_delete_range: { key: leaderKey } }],
      });
      expect(given.json).toMatchObject({
        succeeded: true,
        responses: [{ response_delete_range: { deleted: "1" } }],
      });
    });

    it("tells of a nested transaction in the failure list whether it went through", async () => {
      const put = await http.post("/v3/kv/put", { key: configKey, value: base64("one") });
      const { revision } = (put.json as { header: Header }).header;
      const ifAbsentElse = (modRevision: string) => ({
        compare: [{ target: "CREATE", create_revision: "0", key: configKey }],
        success: [{ request_put: { key: configKey, value: base64("new") } }],
        failure: [
          {
            request_txn: {
              compare: [{ target: "MOD", mod_revision: modRevision, key: configKey }],
              success: [{ request_put: { key: configKey, value: base64("two") } }],
            },
          },
        ],
      });
      const stale = await http.post("/v3/kv/txn", ifAbsentElse(`${Number(revision) - 1}`));
      const current = await http.post("/v3/kv/txn", ifAbsentElse(revision));

      expect(stale.json).not.toHaveProperty("succeeded");
      expect(stale.json).not.toHaveProperty("responses.0.response_txn.succeeded");
      expect(current.json).not.toHaveProperty("succeeded");
      expect(current.json).toMatchObject({
        header: { revision: `${Number(revision) + 1}` },
        responses: [{ response_txn: { succeeded: true, responses: [{ response_put: {} }] } }],
      });
      const { json } = await http.post("/v3/kv/range", { key: configKey });
      expect(json).toMatchObject({ kvs: [{ value: base64("two"), version: "2" }], count: "1" });
    });
  });

  it("works with curl as etcd's manual shows it, also one connection after another", async () => {
    const curl = findProgram("curl");
    if (curl === undefined) return void process.stderr.write("Skipped: curl is not installed.\n");
    const run = (...args: string[]): string =>
      execFileSync(curl, ["-sS", "-m", "10", ...args], { encoding: "utf8" });
    const url = `http://${cluster.address()}`;
    const put = '{"key":"Zm9v","value":"YmFy"}';
    const twice = ["-d", put, `${url}/v3/kv/put`, `${url}/v3/kv/put`];

    expect(run("-L", `${url}/v3/kv/put`, "-X", "POST", "-d", put)).toMatch(/"revision":"\d+"/);
    expect(run("-w", " %{num_connects} ", ...twice)).toMatch(/} 1 {.*} 0 $/);
    expect(run(`${url}/v3beta/kv/range`, "-d", '{"key":"Zm9v"}')).toMatch(/"key":"Zm9v".*"value":"YmFy"/);
    expect(run(`${url}/readyz`)).toBe("ok\n");
  });

  it("writes what gRPC reads, while both are spoken on one port", async () => {
    const grpc = new EtcdClient({ address: cluster.address() });
    try {
      for (let round = 0; round < 20; round += 1) {
        await http.post("/v3/kv/put", { key: base64("http/shared"), value: base64(`${round}`) });
        const { kvs } = await grpc.range({ key: Buffer.from("http/shared") });
        expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe(`${round}`);
      }
    } finally {
      grpc.close();
    }
  });

  it("answers many callers on kept connections", async () => {
    const keys = Array.from({ length: 200 }, (_, at) => base64(`http/many/${at}`));
    const answers = await Promise.all(keys.map((key) => http.post("/v3/kv/put", { key })));
    const revisions = answers.map(({ json }) => (json as { header: Header }).header.revision);

    expect(new Set(revisions).size).toBe(keys.length);
  });

  it("counts what it did", async () => {
    const { text } = await http.get("/metrics");
    const valueOf = (name: string): number =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
          ?.split(" ")
          .at(-1),
      );

    expect(
      valueOf(
        'grpc_server_handled_total{grpc_type="unary",grpc_service="etcdserverpb.KV",grpc_method="Put",grpc_code="OK"}',
      ),
    ).toBeGreaterThan(200);
    expect(valueOf('quorate_gateway_batches_total{kind="write"}')).toBeGreaterThan(0);
    expect(valueOf("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(valueOf("etcd_server_has_leader")).toBe(1);
  });

  // Last: the cluster is not the same afterwards.
  it("is alive without a majority, but neither healthy nor ready, and recovers", async () => {
    expect((await http.get("/health")).json).toEqual({ health: "true", reason: "" });
    await Promise.all(["n2", "n3"].map((name) => cluster.tell("kill", name)));
    await eventually("the gateway to be unhealthy", { withinMs: 30_000 }, async () => {
      return (await http.get("/health")).status === 503;
    });

    expect((await http.get("/livez")).text).toBe("ok\n");
    expect((await http.get("/health?serializable=true")).json).toEqual({ health: "true", reason: "" });
    expect((await http.get("/readyz")).text).toMatch(
      /^\[\+\]data_corruption ok\n\[\+\]serializable_read ok\n\[-\]linearizable_read failed: etcdserver: /,
    );
    await Promise.all(["n2", "n3"].map((name) => cluster.tell("start", name)));
    await eventually("the gateway to be ready", { withinMs: 30_000 }, async () => {
      return (await http.get("/readyz")).status === 200;
    });
  }, 120_000);
});
