import { TestHttpDoor } from "../testing/test-http-door";

const put = JSON.stringify({ key: "aw==" });

describe("the pages of a gateway", () => {
  let door: TestHttpDoor;

  beforeEach(async () => {
    door = await TestHttpDoor.start();
  });

  afterEach(async () => {
    await door[Symbol.asyncDispose]();
  });

  it("tells versions whose parts are integers", async () => {
    const { text } = await door.get("/version");
    const versions = JSON.parse(text) as Record<string, string>;
    expect(Object.keys(versions)).toEqual(["etcdserver", "etcdcluster", "storage"]);
    for (const version of Object.values(versions)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it.each([
    ["GET", "/nothing", 404, "404 page not found\n"],
    ["GET", "/v3alpha/kv/range", 404, "404 page not found\n"],
    ["POST", "/version", 405, "Method Not Allowed\n"],
    ["PUT", "/health", 405, "Method Not Allowed\n"],
    ["GET", "/livez/linearizable_read", 404, "404 page not found\n"],
  ])("answers %s %s with %d", async (method, path, status, text) => {
    const response = await fetch(door.url + path, { method });
    expect([response.status, await response.text()]).toEqual([status, text]);
    if (status === 405) expect(response.headers.get("allow")).toBe("GET");
  });

  it("is healthy while reads are answered", async () => {
    expect((await door.get("/health")).text).toBe('{"health":"true","reason":""}');
    expect((await door.get("/livez")).text).toBe("ok\n");
    expect((await door.get("/readyz?verbose")).text).toBe(
      "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\n" +
        "[+]broker_connection ok\n[+]not_stopping ok\n[+]caught_up ok\nok\n",
    );
    expect((await door.get("/livez?verbose")).text).toBe("[+]serializable_read ok\nok\n");
    expect((await door.get("/readyz/linearizable_read")).text).toBe("ok\n");
    expect((await door.get("/readyz?exclude=nothing&exclude=non_learner&verbose=true")).text).not.toMatch(
      /non_learner/,
    );
  });

  it("is alive but not healthy without a leader", async () => {
    await door.losesLeader(6);
    const { status, text } = await door.get("/health");
    expect([status, text]).toEqual([503, '{"health":"false","reason":"RAFT NO LEADER"}']);
    expect((await door.get("/health?serializable=true")).text).toBe('{"health":"true","reason":""}');
    expect((await door.get("/livez")).text).toBe("ok\n");
    expect((await door.get("/metrics")).text).toMatch(/^etcd_server_has_leader 0$/m);
  });

  it("is not healthy while an alarm is active that nobody excludes, and not ready while it is CORRUPT", async () => {
    const [home] = door.parts.nodes;
    home.alarms = [{ type: "no-space", memberId: 1n }];
    expect((await door.get("/health")).text).toBe('{"health":"false","reason":"ALARM NOSPACE"}');
    expect((await door.get("/health?exclude=CORRUPT")).status).toBe(503);
    expect((await door.get("/health?exclude=NOSPACE")).status).toBe(200);
    expect((await door.get("/readyz")).status).toBe(200);

    home.alarms = [...home.alarms, { type: "corrupt", memberId: 0n }];
    expect((await door.get("/health?exclude=NOSPACE")).text).toMatch(/ALARM CORRUPT/);
    expect((await door.get("/readyz")).text).toMatch(
      /^\[-\]data_corruption failed: alarm CORRUPT is active$/m,
    );
    expect((await door.get("/livez")).status).toBe(200);
    expect((await door.get("/metrics")).text).toMatch(
      /^etcd_debugging_server_alarms\{server_id="0",alarm_type="CORRUPT"\} 1$/m,
    );
  });

  it("stays healthy and ready while CORRUPT names one of three members, which is fenced, and no longer", async () => {
    const [home] = door.parts.nodes;
    home.alarms = [{ type: "corrupt", memberId: 3n }];
    expect((await door.get("/health")).status).toBe(200);
    expect((await door.get("/readyz")).status).toBe(200);
    expect((await door.get("/metrics")).text).toMatch(/server_id="3",alarm_type="CORRUPT"\} 1$/m);
    home.alarms = [...home.alarms, { type: "corrupt", memberId: 2n }];
    expect((await door.get("/health")).status).toBe(503);
    expect((await door.get("/readyz")).status).toBe(503);
  });

  it("lists the checks that fail, but for those that nobody asked for", async () => {
    door.parts.gateway.close(); // all reads are refused from here on
    const unhealthy = await door.get("/health?serializable=true");
    expect([unhealthy.status, unhealthy.text]).toEqual([
      503,
      '{"health":"false","reason":"RANGE ERROR:etcdserver: server stopped"}',
    ]);
    const notReady = await door.get("/readyz");
    expect([notReady.status, notReady.text]).toEqual([
      503,
      "[+]data_corruption ok\n[-]serializable_read failed: etcdserver: server stopped\n" +
        "[-]linearizable_read failed: etcdserver: server stopped\n[+]non_learner ok\n" +
        "[+]broker_connection ok\n[+]not_stopping ok\n[+]caught_up ok\n",
    ]);
    expect((await door.get("/readyz?exclude=serializable_read&exclude=linearizable_read")).text).toBe("ok\n");
  });

  it("is alive without a broker, which no restart brings back, and says at once that it is not ready", async () => {
    door.parts.network.disconnect("gateway");
    const { status, text } = await door.get("/readyz");
    expect(status).toBe(503);
    expect(text).toMatch(/^\[-\]linearizable_read failed: no connection to a broker$/m);
    expect(text).toMatch(/^\[-\]broker_connection failed: no connection to a broker$/m);
    expect((await door.get("/health")).text).toMatch(/no connection to a broker/);
    expect((await door.get("/livez")).text).toBe("ok\n");
    door.parts.network.reconnect("gateway");
    expect((await door.get("/readyz")).text).toBe("ok\n");
  });

  it("is not ready once it was asked to end, while it still serves", async () => {
    door.stopNotice.give();
    expect((await door.get("/readyz")).text).toMatch(
      /^\[-\]not_stopping failed: this process was asked to end$/m,
    );
    expect((await door.get("/health")).text).toBe('{"health":"false","reason":"STOPPING"}');
    expect((await door.get("/livez")).text).toBe("ok\n");
    expect((await door.post("/v3/kv/put", put)).status).toBe(200);
  });

  it("is not ready while the member beside it is not", async () => {
    door.memberFault = "5000 entries behind the leader";
    expect((await door.get("/readyz")).text).toMatch(
      /^\[-\]caught_up failed: 5000 entries behind the leader$/m,
    );
    expect((await door.get("/readyz/caught_up")).status).toBe(503);
    expect((await door.get("/readyz?exclude=caught_up")).status).toBe(200);
    expect((await door.get("/livez")).status).toBe(200);
  });

  it("counts calls by method and code, and shows the home member's state", async () => {
    await door.post("/v3/kv/put", put);
    await door.post("/v3/kv/range", "{}");
    await door.post("/v3/kv/put", "{");
    await door.get("/health");
    const { text, headers } = await door.get("/metrics");
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const kv = 'grpc_type="unary",grpc_service="etcdserverpb.KV"';
    expect(text.split("\n")).toEqual(
      expect.arrayContaining([
        "etcd_server_has_leader 1",
        "etcd_server_is_leader 1",
        `grpc_server_started_total{${kv},grpc_method="Put"} 2`,
        `grpc_server_handled_total{${kv},grpc_method="Put",grpc_code="OK"} 1`,
        `grpc_server_handled_total{${kv},grpc_method="Put",grpc_code="InvalidArgument"} 1`,
        `grpc_server_handled_total{${kv},grpc_method="Range",grpc_code="InvalidArgument"} 1`,
        `grpc_server_handling_seconds_count{${kv},grpc_method="Put"} 2`,
        'quorate_gateway_batches_total{kind="write"} 1',
        "etcd_debugging_mvcc_current_revision 7",
        "etcd_mvcc_db_total_size_in_bytes 4096",
        "etcd_mvcc_db_total_size_in_use_in_bytes 1024",
        `etcd_server_quota_backend_bytes ${2 ** 30}`,
        "etcd_server_health_success 1",
      ]),
    );
  });
});
