import { Client, credentials } from "@grpc/grpc-js";
import { utf8 } from "@quorate/base";
import { etcdserverpb } from "@quorate/wire";
import { postText } from "../testing/http-client";
import { responseAt } from "../testing/scripted-node";
import { TestHttpDoor } from "../testing/test-http-door";

const put = JSON.stringify({ key: "aw==", value: "dg==", nonsense: { is: ["ignored"] } });
const error = (code: number, message: unknown) => ({ error: message, code, message, details: [] });

describe("a unary method over HTTP/JSON", () => {
  let door: TestHttpDoor;

  beforeEach(async () => {
    door = await TestHttpDoor.start();
  });

  afterEach(async () => {
    await door[Symbol.asyncDispose]();
  });

  it("reads and writes etcd's JSON, whatever the content type says", async () => {
    for (const type of ["application/json", "application/x-www-form-urlencoded", "text/yaml"]) {
      const answer = await door.post("/v3/kv/put", put, { "content-type": type });
      expect(answer).toMatchObject({ status: 200, json: { header: { revision: "2" } } });
      expect(answer.headers.get("content-type")).toBe("application/json");
    }
    const { bytes } = door.parts.nodes[0].proposals[0]!.commands[0]!;
    expect(etcdserverpb.PutRequest.decode(bytes)).toMatchObject({
      key: Buffer.from("k"),
      value: Buffer.from("v"),
    });
  });

  it.each(["/v3beta/cluster/member/list", "/v3/cluster/member/list?pretty=1"])(
    "answers on %s",
    async (path) => {
      const { json } = await door.post(path, "");
      expect(json).toMatchObject({ members: [{ ID: "1" }, { ID: "2" }, { ID: "3" }] });
    },
  );

  it.each([
    ["/v3/kv/range", "{}", 400, error(3, "etcdserver: key is not provided")],
    ["/v3/kv/range", "", 400, error(3, "etcdserver: key is not provided")],
    [
      "/v3/kv/range",
      '{"key":',
      400,
      error(3, expect.stringMatching(/^Cannot read JSON of etcdserverpb.RangeRequest/)),
    ],
    [
      "/v3/kv/range",
      '{"key":"aw==","limit":"x"}',
      400,
      error(3, expect.stringContaining("limit: expected an integer")),
    ],
    ["/v3/kv/increment", "{}", 404, error(5, "Not Found")],
    ["/v3/maintenance/downgrade", "{}", 400, error(3, "etcdserver: wrong downgrade target version format")],
    ["/v3/lock/unlock", '{"key":5}', 400, error(3, expect.stringMatching(/^Cannot read JSON of v3lockpb/))],
    ["/v3/election/resign", "{}", 500, error(2, '"leader" field must be provided')],
    [
      "/v3/auth/authenticate",
      "{}",
      501,
      error(12, "unknown method Authenticate for service etcdserverpb.Auth"),
    ],
  ])("answers a wrong POST of %s with code and text: %#", async (path, body, status, json) => {
    expect(await door.post(path, body)).toMatchObject({ status, json });
  });

  it("shows what a member found wrong, with the status that goes with the code", async () => {
    door.parts.nodes[0].propose = () => ({
      kind: "results",
      results: [{ ok: false, failure: { code: "compacted", detail: "" } }],
    });
    expect(await door.post("/v3/kv/compaction", '{"revision":"3"}')).toMatchObject({
      status: 400,
      json: error(11, "etcdserver: mvcc: required revision has been compacted"),
    });
    expect(door.failures).toEqual(["etcdserverpb.KV/Compact"]);
  });

  it("marks a write whose outcome is unknown", async () => {
    door.parts.nodes[0].propose = () => undefined;
    const answer = await door.post("/v3/kv/put", put, { "grpc-timeout": "50m" });
    expect(answer).toMatchObject({ status: 503, json: error(14, "etcdserver: request timed out") });
    expect(answer.headers.get("quorate-outcome")).toBe("unknown");
  });

  it("takes from headers what gRPC's callers send as metadata", async () => {
    await door.losesLeader(6);
    const answer = await door.post("/v3/kv/put", put, { "grpc-metadata-hasleader": "true" });
    expect(answer).toMatchObject({ status: 503, json: error(14, "etcdserver: no leader") });
    const late = await door.post("/v3/kv/put", put, { "grpc-timeout": "soon" });
    expect(late).toMatchObject({ status: 400, json: error(3, "invalid grpc-timeout: soon") });
  });

  it("refuses a request above gRPC's limit as etcd's gateway does, and one above its own", async () => {
    const putOf = (digits: number): string => JSON.stringify({ key: "aw==", value: "A".repeat(digits) });
    expect(await door.post("/v3/kv/put", putOf(3_500_000))).toMatchObject({
      status: 429,
      json: error(8, "grpc: received message larger than max (2625008 vs. 2097152)"),
    });
    expect(await door.post("/v3/kv/put", putOf(5_000_000))).toMatchObject({
      status: 429,
      json: error(8, "http: request body larger than max (4194304 bytes)"),
    });
    expect(await door.post("/v3/kv/put", put)).toMatchObject({ status: 200 });
  });

  it("does not send a write that its caller gave up before it went out", async () => {
    await door.losesLeader(6); // nobody to send it to
    const socket = door.connection();
    socket.send(postText("/v3/kv/put", put));
    while (door.parts.gateway.proposer.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.socket.destroy();
    const canceled = /^grpc_server_handled_total\{.*"Put",grpc_code="Canceled"\} 1$/m;
    while (!canceled.test((await door.get("/metrics")).text))
      await new Promise((resolve) => setImmediate(resolve));
    await door.leads(7);
    expect((await door.post("/v3/kv/put", put)).status).toBe(200);
    expect(door.parts.nodes[0].proposals).toHaveLength(1);
  });

  it("shares its port with gRPC", async () => {
    const client = new Client(`127.0.0.1:${door.port}`, credentials.createInsecure());
    const overGrpc = (): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          "/etcdserverpb.KV/Put",
          (bytes: Uint8Array) => Buffer.from(bytes),
          (bytes: Buffer) => bytes,
          etcdserverpb.PutRequest.encode({ key: utf8("k") }).finish(),
          (failure, answer) => (failure === null ? resolve(answer!) : reject(failure)),
        );
      });
    for (let round = 0; round < 20; round += 1) {
      const [binary, { json }] = await Promise.all([overGrpc(), door.post("/v3/kv/put", put)]);
      expect(binary.length).toBe(responseAt(2).length);
      expect(json).toHaveProperty("header.revision");
    }
    client.close();
    expect((await door.get("/metrics")).text).toMatch(
      /^grpc_server_handled_total\{.*"Put",grpc_code="OK"\} 40$/m,
    );
  });
});
