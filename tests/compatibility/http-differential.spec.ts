import { EtcdServer } from "../harness/etcd-server";
import { HttpCaller, type HttpAnswer } from "../harness/http-caller";
import { QuorateCluster } from "../harness/quorate-cluster";
import { whereEtcdIsInstalled } from "./etcd-installed";

type Request = readonly [method: string, path: string, body?: unknown];

const key = "aHR0cA=="; // http
const other = "aHR0cC9vdGhlcg==";

/** In this order, against stores that have seen the same before. */
const requests: readonly Request[] = [
  ["POST", "/v3/kv/put", { key, value: "MQ==" }],
  ["POST", "/v3/kv/put", { key, value: "Mg==", prev_kv: true }],
  ["POST", "/v3/kv/put", { key, value: "" }],
  ["POST", "/v3/kv/put", { key: other, value: "eA==", prevKv: true, unknown: [{}] }],
  ["POST", "/v3/kv/range", { key }],
  [
    "POST",
    "/v3/kv/range",
    { key, range_end: "aHR0cDA=", sort_order: "DESCEND", sort_target: "MOD", limit: 1 },
  ],
  ["POST", "/v3/kv/range", { key, range_end: "aHR0cDA=", sort_order: 2, count_only: true }],
  ["POST", "/v3/kv/range", { key, range_end: "AA==", keys_only: true, serializable: true }],
  ["POST", "/v3beta/kv/range", { key: other }],
  ["POST", "/v3/kv/range", { key, revision: "1000000" }],
  ["POST", "/v3/kv/range", { key, revision: -5 }],
  ["POST", "/v3/kv/range", {}],
  ["POST", "/v3/kv/range", ""],
  ["POST", "/v3/kv/put", { key, value: "MQ==", ignore_value: true }],
  ["POST", "/v3/kv/put", { key, lease: "12345" }],
  ["POST", "/v3/kv/txn", {}],
  [
    "POST",
    "/v3/kv/txn",
    {
      compare: [{ key, target: "CREATE", create_revision: "0" }],
      success: [{ request_put: { key, value: "bmV3" } }],
      failure: [
        {
          request_txn: {
            compare: [{ key, target: "VALUE", result: "NOT_EQUAL", value: "eA==" }],
            success: [
              { request_put: { key, value: "ZWxzZQ==", prev_kv: true } },
              { request_range: { key } },
              { request_delete_range: { key: other, prev_kv: true } },
            ],
          },
        },
      ],
    },
  ],
  ["POST", "/v3/kv/txn", { success: [{ request_put: { key } }, { request_put: { key } }] }],
  ["POST", "/v3/kv/txn", { success: [{}] }],
  ["POST", "/v3/kv/deleterange", { key: other, prev_kv: true }],
  ["POST", "/v3/kv/deleterange", { key, range_end: "aHR0cDA=", prev_kv: true }],
  ["POST", "/v3/kv/deleterange", { key }],
  ["POST", "/v3/kv/compaction", { revision: "1000000" }],
  ["POST", "/v3/kv/compaction", { revision: "3", physical: true }],
  ["POST", "/v3/kv/range", { key, revision: "2" }],
  ["POST", "/v3/kv/put", { key, value: "A".repeat(2_200_000) }],
  ["POST", "/v3/kv/put", { key, value: "A".repeat(3_500_000) }],
  ["GET", "/nothing"],
  ["GET", "/v3alpha/kv/range"],
  ["OPTIONS", "/v3/kv/range"],
  ["PUT", "/version"],
];

/** Their text is Go's JSON decoder's in etcd and JavaScript's here; the rest is compared. */
const unreadable: readonly Request[] = [
  ["POST", "/v3/kv/range", '{"key":'],
  ["POST", "/v3/kv/range", { key: "a" }],
  ["POST", "/v3/kv/range", { key, limit: "many" }],
  ["POST", "/v3/kv/range", { key, sort_order: "UP" }],
];

whereEtcdIsInstalled("HTTP/JSON compared with etcd", () => {
  let etcd: EtcdServer;
  let quorate: QuorateCluster;
  let callers: readonly [HttpCaller, HttpCaller];

  beforeAll(async () => {
    [etcd, quorate] = await Promise.all([EtcdServer.start(1), QuorateCluster.start({ members: 3 })]);
    callers = [new HttpCaller(etcd.address), new HttpCaller(quorate.address())];
    // Starting Quorate has written a probe.
    const { json } = await callers[1].post("/v3/kv/range", { key: "eA==" });
    const { revision } = (json as { header: { revision: string } }).header;
    for (let at = 2; at <= Number(revision); at += 1) await callers[0].post("/v3/kv/put", { key: "eA==" });
    for (const caller of callers) await caller.post("/v3/kv/deleterange", { key: "AA==", range_end: "AA==" });
  }, 60_000);

  afterAll(async () => {
    await Promise.all([etcd?.[Symbol.asyncDispose](), quorate?.[Symbol.asyncDispose]()]);
  }, 30_000);

  function send(caller: HttpCaller, [method, path, body]: Request): Promise<HttpAnswer> {
    return method === "POST" ? caller.post(path, body) : caller.request(method, path);
  }

  it("is equal for requests made by hand", async () => {
    for (const request of requests) {
      const [theirs, ours] = await Promise.all(callers.map((caller) => send(caller, request)));
      const label = JSON.stringify(request).slice(0, 200);

      expect({ request: label, ...comparable(ours!) }).toEqual({ request: label, ...comparable(theirs!) });
    }
  }, 60_000);

  it("is equal but for the text where a request cannot be read", async () => {
    for (const request of unreadable) {
      const [theirs, ours] = await Promise.all(callers.map((caller) => send(caller, request)));

      expect([theirs!.status, ours!.status]).toEqual([400, 400]);
      for (const { json } of [theirs!, ours!]) expect(json).toMatchObject({ code: 3 });
    }
  });
});

/** Without what two clusters cannot have in common, and the `details` that etcd sends since 3.6. */
function comparable({ status, text, json, headers }: HttpAnswer): object {
  const cors = ["origin", "methods", "headers"].map((name) => headers.get(`access-control-allow-${name}`));
  const allow = headers.get("allow");
  if (typeof json !== "object" || json === null) return { status, cors, allow, text };
  const {
    details: _details,
    header,
    ...rest
  } = json as { details?: unknown; header?: { revision?: string } };
  return { status, cors, allow, json: { ...rest, revision: header?.revision } };
}
