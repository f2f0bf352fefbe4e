import { Client, credentials } from "@grpc/grpc-js";
import { systemClock, systemScheduler } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import { MetricRegistry } from "@quorate/telemetry";
import { etcdserverpb } from "@quorate/wire";
import type { CallContext } from "../api/api-method";
import { definite } from "../api/request-failure";
import type { StreamCall, StreamMethod, StreamSink } from "../api/stream-method";
import type { ClientPort } from "../client-port/client-port";
import { kvService } from "../grpc/kv";
import { meteredService } from "../grpc/metered";
import { GrpcServer } from "../grpc/server";
import { CallMeters } from "../metrics/call-meters";
import { memberId } from "../testing/bench";
import { postText, RawConnection } from "../testing/http-client";
import { responseAt } from "../testing/scripted-node";
import { testGateway, type TestGateway } from "../testing/test-gateway";
import { testPort } from "../testing/test-port";
import { httpMethods } from "./api-methods";
import { httpDoor } from "./http-door";
import type { HttpServer } from "./http-server";

const LIMITS = { bytesMax: 4 * 1024 * 1024, timeoutMs: 200 };
const HEADERS_MS = 100;

/** What the fake stream method was told, and the means to answer. */
interface FakeStream {
  readonly context: CallContext;
  readonly sink: StreamSink;
  readonly events: string[];
  heard(count: number): Promise<void>;
}

// A real port with both its servers, and real sockets; only the nodes, and the stream method, are scripted.
describe("the HTTP door", () => {
  let parts: TestGateway;
  let http: HttpServer;
  let grpc: GrpcServer;
  let port: ClientPort;
  let url: string;
  let streams: FakeStream[];
  let opened: (() => void) | undefined;
  const connections: RawConnection[] = [];
  const failures: string[] = [];

  const watch: StreamMethod = (context, sink): StreamCall => {
    const events: string[] = [];
    let wake: (() => void) | undefined;
    const heard = async (count: number): Promise<void> => {
      while (events.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    const note = (event: string): void => {
      events.push(event);
      wake?.();
    };
    streams.push({ context, sink, events, heard });
    opened?.();
    return {
      receive: (bytes) =>
        note(Buffer.from(etcdserverpb.WatchRequest.decode(bytes).createRequest?.key ?? []).toString()),
      endOfRequests: () => note("end"),
      drained: () => note("drained"),
      cancel: () => note("cancel"),
    };
  };

  beforeEach(async () => {
    failures.length = 0;
    streams = [];
    parts = testGateway({ clock: systemClock, scheduler: systemScheduler });
    const { gateway, nodes } = parts;
    const registry = new MetricRegistry();
    const meters = new CallMeters({ registry, clock: systemClock });
    const failed = (method: string): void => void failures.push(method);
    const methods = httpMethods(gateway.kv, gateway.cluster);
    http = httpDoor(
      { homeMember: memberId(1), limits: LIMITS, headersMs: HEADERS_MS },
      {
        gateway,
        registry,
        meters,
        failed,
        methods: { ...methods, streams: { "etcdserverpb.Watch/Watch": watch } },
      },
    );
    grpc = new GrpcServer([meteredService(kvService(gateway.kv, failed), meters)]);
    port = await testPort({ http1: (socket) => http.take(socket), http2: (socket) => grpc.take(socket) });
    url = `http://127.0.0.1:${port.port}`;
    const known = new Promise<void>((resolve) => void gateway.tracker.onChange(resolve));
    nodes[0].leads(5);
    await known;
  });

  afterEach(async () => {
    for (const { socket } of connections.splice(0)) socket.destroy();
    port.stop();
    parts.gateway.close();
    await Promise.all([grpc.stop(0), http.stop(0)]);
    await parts.transport[Symbol.asyncDispose]();
    for (const node of parts.nodes) await node.disconnect();
  });

  function connection(): RawConnection {
    const made = new RawConnection(port.port);
    connections.push(made);
    return made;
  }

  async function post(
    path: string,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; json: unknown; headers: Headers }> {
    const response = await fetch(url + path, { method: "POST", body, headers });
    return { status: response.status, json: await response.json(), headers: response.headers };
  }

  async function get(path: string): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(url + path);
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  async function stream(): Promise<FakeStream> {
    while (streams.length === 0) await new Promise<void>((resolve) => (opened = resolve));
    return streams[0]!;
  }

  const put = JSON.stringify({ key: "aw==", value: "dg==", nonsense: { is: ["ignored"] } });
  const error = (code: number, message: unknown) => ({ error: message, code, message, details: [] });

  describe("for unary methods", () => {
    it("reads and writes etcd's JSON, whatever the content type says", async () => {
      for (const type of ["application/json", "application/x-www-form-urlencoded", "text/yaml"]) {
        const answer = await post("/v3/kv/put", put, { "content-type": type });
        expect(answer).toMatchObject({ status: 200, json: { header: { revision: "2" } } });
        expect(answer.headers.get("content-type")).toBe("application/json");
      }
      const { bytes } = parts.nodes[0].proposals[0]!.commands[0]!;
      expect(etcdserverpb.PutRequest.decode(bytes)).toMatchObject({
        key: Buffer.from("k"),
        value: Buffer.from("v"),
      });
    });

    it.each(["/v3beta/cluster/member/list", "/v3/cluster/member/list?pretty=1"])(
      "answers on %s",
      async (path) => {
        const { json } = await post(path, "");
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
      [
        "/v3/lease/grant",
        '{"TTL":30}',
        501,
        error(12, "unknown method LeaseGrant for service etcdserverpb.Lease"),
      ],
      [
        "/v3/kv/lease/revoke",
        "{}",
        501,
        error(12, "unknown method LeaseRevoke for service etcdserverpb.Lease"),
      ],
      ["/v3/lock/lock", "{}", 501, error(12, "unknown method Lock for service v3lockpb.Lock")],
      [
        "/v3/auth/authenticate",
        "{}",
        501,
        error(12, "unknown method Authenticate for service etcdserverpb.Auth"),
      ],
    ])("answers a wrong POST of %s with code and text: %#", async (path, body, status, json) => {
      expect(await post(path, body)).toMatchObject({ status, json });
    });

    it("shows what a member found wrong, with the status that goes with the code", async () => {
      parts.nodes[0].propose = () => ({
        kind: "results",
        results: [{ ok: false, failure: { code: "compacted", detail: "" } }],
      });
      expect(await post("/v3/kv/compaction", '{"revision":"3"}')).toMatchObject({
        status: 400,
        json: error(11, "etcdserver: mvcc: required revision has been compacted"),
      });
      expect(failures).toEqual(["etcdserverpb.KV/Compact"]);
    });

    it("marks a write whose outcome is unknown", async () => {
      parts.nodes[0].propose = () => undefined;
      const answer = await post("/v3/kv/put", put, { "grpc-timeout": "50m" });
      expect(answer).toMatchObject({ status: 503, json: error(14, "etcdserver: request timed out") });
      expect(answer.headers.get("quorate-outcome")).toBe("unknown");
    });

    it("takes from headers what gRPC's callers send as metadata", async () => {
      parts.nodes[0].follows(undefined, 6);
      await parts.transport.flush();
      await new Promise((resolve) => setImmediate(resolve));
      const answer = await post("/v3/kv/put", put, { "grpc-metadata-hasleader": "true" });
      expect(answer).toMatchObject({ status: 503, json: error(14, "etcdserver: no leader") });
      const late = await post("/v3/kv/put", put, { "grpc-timeout": "soon" });
      expect(late).toMatchObject({ status: 400, json: error(3, "invalid grpc-timeout: soon") });
    });

    it("answers GET with 405, and the body that grpc-gateway has for it", async () => {
      const { status, text, headers } = await get("/v3/kv/range");
      expect([status, JSON.parse(text), headers.get("allow")]).toEqual([
        405,
        error(12, "Method Not Allowed"),
        "POST",
      ]);
    });

    it("lets pages of any origin call", async () => {
      const response = await fetch(`${url}/v3/kv/range`, { method: "OPTIONS" });
      expect([response.status, await response.text()]).toEqual([200, ""]);
      for (const { headers } of [response, await post("/v3/kv/put", put), await get("/version")]) {
        expect(headers.get("access-control-allow-origin")).toBe("*");
        expect(headers.get("access-control-allow-methods")).toBe("POST, GET, OPTIONS, PUT, DELETE");
        expect(headers.get("access-control-allow-headers")).toBe("accept, content-type, authorization");
      }
    });

    it("refuses a request above gRPC's limit as etcd's gateway does, and one above its own", async () => {
      const putOf = (digits: number): string => JSON.stringify({ key: "aw==", value: "A".repeat(digits) });
      expect(await post("/v3/kv/put", putOf(3_500_000))).toMatchObject({
        status: 429,
        json: error(8, "grpc: received message larger than max (2625008 vs. 2097152)"),
      });
      expect(await post("/v3/kv/put", putOf(5_000_000))).toMatchObject({
        status: 429,
        json: error(8, "http: request body larger than max (4194304 bytes)"),
      });
      expect(await post("/v3/kv/put", put)).toMatchObject({ status: 200 });
    });

    it("cuts the connection of a client that sends without end", async () => {
      const socket = connection();
      socket.send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
      const chunk = "A".repeat(1024 * 1024);
      while (!socket.socket.destroyed && socket.socket.writable) {
        await new Promise<void>((resolve) => void socket.socket.write(chunk, () => resolve()));
      }
      expect(await socket.end()).toBe("");
    });

    it("answers pipelined requests in their order", async () => {
      parts.nodes[0].read = parts.nodes[1].read = parts.nodes[2].read = () => undefined;
      const socket = connection();
      const slow = postText("/v3/kv/range", '{"key":"aw=="}', "Grpc-Timeout: 50m\r\n");
      socket.send(slow + postText("/v3/kv/put", put) + "GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
      await socket.read(/HTTP\/1.1 503[^]*request timed out[^]*?\]}/);
      await socket.read(/^HTTP\/1.1 200 OK[^]*"revision":"2"}}/);
      await socket.read(/^HTTP\/1.1 200 OK[^]*"etcdserver":"3\.\d+\.\d+"/);
    });

    it("reads a request that comes byte by byte", async () => {
      const socket = connection();
      for (const byte of postText("/v3/kv/put", put)) {
        await new Promise<void>((resolve) => void socket.socket.write(byte, () => resolve()));
      }
      await socket.read(/^HTTP\/1.1 200 OK[^]*"revision":"2"}}/);
    });

    it("gives up on headers and bodies that do not come", async () => {
      const [headers, body] = [connection(), connection()];
      headers.send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\n");
      body.send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
      expect(await headers.end()).toMatch(/^HTTP\/1.1 408/);
      expect(await body.end()).toMatch(/^HTTP\/1.1 408[^]*did not arrive in time/);
    });

    it("answers noise with 400 and goes on serving", async () => {
      const socket = connection();
      socket.send("\0\0\0 nonsense\r\n\r\n");
      expect(await socket.end()).toMatch(/^HTTP\/1.1 400/);
      expect((await post("/v3/kv/put", put)).status).toBe(200);
    });

    it("does not send a write that its caller gave up before it went out", async () => {
      parts.nodes[0].follows(undefined, 6); // nobody to send it to
      await parts.transport.flush();
      const socket = connection();
      socket.send(postText("/v3/kv/put", put));
      while (parts.gateway.proposer.pending === 0) await new Promise((resolve) => setImmediate(resolve));
      socket.socket.destroy();
      const canceled = /^grpc_server_handled_total\{.*"Put",grpc_code="Canceled"\} 1$/m;
      while (!canceled.test((await get("/metrics")).text))
        await new Promise((resolve) => setImmediate(resolve));
      parts.nodes[0].leads(7);
      expect((await post("/v3/kv/put", put)).status).toBe(200);
      expect(parts.nodes[0].proposals).toHaveLength(1);
    });

    it("shares its port with gRPC", async () => {
      const client = new Client(`127.0.0.1:${port.port}`, credentials.createInsecure());
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
        const [binary, { json }] = await Promise.all([overGrpc(), post("/v3/kv/put", put)]);
        expect(binary.length).toBe(responseAt(2).length);
        expect(json).toHaveProperty("header.revision");
      }
      client.close();
      expect((await get("/metrics")).text).toMatch(
        /^grpc_server_handled_total\{.*"Put",grpc_code="OK"\} 40$/m,
      );
    });
  });

  describe("for streams", () => {
    const created = etcdserverpb.WatchResponse.encode({ watchId: 1, created: true }).finish();
    const open = "POST /v3/watch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    const chunkOf = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
    const create = (key: string): string =>
      JSON.stringify({ create_request: { key: Buffer.from(key).toString("base64") } });

    it("passes JSON objects in and lines of results out, and ends in order", async () => {
      const socket = connection();
      socket.send(
        `${open}Authorization: Bearer secret\r\n\r\n${chunkOf(`${create("a")}${create("b").slice(0, 9)}`)}`,
      );
      const fake = await stream();
      expect(fake.context.token).toBe("secret");
      expect(fake.sink.send(created)).toBe(true);
      await socket.read(/{"result":{"watch_id":"1","created":true}}\n/);
      socket.send(chunkOf(create("b").slice(9)) + "0\r\n\r\n");
      await fake.heard(3);
      expect(fake.events).toEqual(["a", "b", "end"]);
      fake.sink.send(created);
      fake.sink.end();
      fake.sink.send(created);
      expect(await socket.read(/\r\n0\r\n\r\n/)).toMatch(
        /^\r\n[0-9a-f]+\r\n{"result":{"watch_id":"1","created":true}}\n/,
      );
      socket.send(postText("/v3/kv/put", put)); // the connection goes on
      await socket.read(/"revision":"2"}}/);
      expect(fake.events).toHaveLength(3);
    });

    it("takes a body of one object, as Patroni sends it, and tells the method when its caller goes away", async () => {
      const socket = connection();
      socket.send(postText("/v3/watch", create("k"), "Authorization: bare\r\n"));
      const fake = await stream();
      expect(fake.context.token).toBe("bare");
      await fake.heard(2);
      fake.sink.send(created);
      await socket.read(/"created":true}}\n/);
      socket.socket.destroy();
      await fake.heard(3);
      expect(fake.events).toEqual(["k", "end", "cancel"]);
      fake.sink.send(created);
      fake.sink.end();
    });

    it("shows a failure before the first result as a status, and after it as a line", async () => {
      const failure = {
        grpc_code: 11,
        http_code: 400,
        message: "etcdserver: mvcc: required revision has been compacted",
        code: 11,
        details: [],
      };
      const early = post("/v3/watch", create("k"));
      (await stream()).sink.end(definite("compacted"));
      expect(await early).toMatchObject({ status: 400, json: { error: failure } });
      const late = fetch(`${url}/v3/watch`, { method: "POST", body: create("k") });
      streams.length = 0;
      const fake = await stream();
      fake.sink.send(created);
      fake.sink.end(definite("compacted"));
      const lines = (await (await late).text())
        .split("\n")
        .map((line) => (line === "" ? "" : (JSON.parse(line) as unknown)));
      expect(lines).toEqual([{ result: { watch_id: "1", created: true } }, { error: failure }, ""]);
    });

    it.each([
      ['{"create_request":', 400, "unexpected end of JSON"],
      ['[{"create_request":{}}]', 400, 'expected an object, given "["'],
      ['{"create_request":{"key":5}}', 400, "create_request.key: expected bytes in base64, given 5"],
      ["{]}", 400, "JSON"],
    ])("ends a stream that sends %s", async (body, status, text) => {
      const answer = await post("/v3/watch", body);
      expect(answer).toMatchObject({
        status,
        json: { error: { code: 3, message: expect.stringContaining(text) } },
      });
      expect(streams[0]!.events.at(-1)).toBe("cancel");
    });

    it("says when its caller reads more slowly than it is sent to, and when it caught up", async () => {
      const socket = connection();
      socket.send(postText("/v3/watch", create("k")));
      const fake = await stream();
      await fake.heard(2);
      socket.socket.pause();
      const large = etcdserverpb.WatchResponse.encode({ cancelReason: "x".repeat(1024 * 1024) }).finish();
      let sent = 0;
      while (fake.sink.send(large) || sent < 8) {
        sent += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.socket.resume();
      await fake.heard(3);
      expect(fake.events).toContain("drained");
    });

    it("answers streams that are not there yet UNIMPLEMENTED", async () => {
      const expected = {
        grpc_code: 12,
        message: "unknown method LeaseKeepAlive for service etcdserverpb.Lease",
      };
      expect(await post("/v3/lease/keepalive", '{"ID":"1"}')).toMatchObject({
        status: 501,
        json: { error: expected },
      });
    });
  });

  describe("when it stops", () => {
    it("ends streams as stopped, lets calls end, and closes connections", async () => {
      const created = etcdserverpb.WatchResponse.encode({ created: true }).finish();
      const [idle, busy, streaming] = [connection(), connection(), connection()];
      idle.send("GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
      await idle.read(/storage":"[\d.]+"}/);
      let answerPut: (() => void) | undefined;
      parts.nodes[0].propose = () => {
        answerPut?.();
        return undefined;
      };
      const proposed = new Promise<void>((resolve) => (answerPut = resolve));
      busy.send(postText("/v3/kv/put", put, "Grpc-Timeout: 100m\r\n"));
      streaming.send(postText("/v3/watch", '{"create_request":{}}'));
      const fake = await stream();
      fake.sink.send(created);
      await Promise.all([proposed, streaming.read(/created/)]);
      const stopped = http.stop(5000);
      expect(await idle.end()).toBe("");
      expect(await streaming.end()).toMatch(
        /"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: server stopped"/,
      );
      expect(fake.events.at(-1)).toBe("cancel");
      expect(await busy.end()).toMatch(/^HTTP\/1.1 503[^]*request timed out/);
      await stopped;
    });
  });

  describe("for pages", () => {
    it("tells versions whose parts are integers", async () => {
      const { text } = await get("/version");
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
      const response = await fetch(url + path, { method });
      expect([response.status, await response.text()]).toEqual([status, text]);
      if (status === 405) expect(response.headers.get("allow")).toBe("GET");
    });

    it("is healthy while reads are answered", async () => {
      expect((await get("/health")).text).toBe('{"health":"true","reason":""}');
      expect((await get("/livez")).text).toBe("ok\n");
      expect((await get("/readyz?verbose")).text).toBe(
        "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n",
      );
      expect((await get("/readyz/linearizable_read")).text).toBe("ok\n");
      expect((await get("/readyz?exclude=nothing&exclude=non_learner&verbose=true")).text).not.toMatch(
        /non_learner/,
      );
    });

    it("is alive but not healthy without a leader", async () => {
      const lost = new Promise<void>((resolve) => void parts.gateway.tracker.onChange(resolve));
      parts.nodes[0].follows(undefined, 6);
      await lost;
      const { status, text } = await get("/health");
      expect([status, text]).toEqual([503, '{"health":"false","reason":"RAFT NO LEADER"}']);
      expect((await get("/health?serializable=true")).text).toBe('{"health":"true","reason":""}');
      expect((await get("/livez")).text).toBe("ok\n");
      expect((await get("/metrics")).text).toMatch(/^etcd_server_has_leader 0$/m);
    });

    it("lists the checks that fail, but for those that nobody asked for", async () => {
      parts.gateway.close(); // all reads are refused from here on
      const unhealthy = await get("/health?serializable=true");
      expect([unhealthy.status, unhealthy.text]).toEqual([
        503,
        '{"health":"false","reason":"RANGE ERROR:etcdserver: server stopped"}',
      ]);
      const notReady = await get("/readyz");
      expect([notReady.status, notReady.text]).toEqual([
        503,
        "[+]data_corruption ok\n[-]serializable_read failed: etcdserver: server stopped\n" +
          "[-]linearizable_read failed: etcdserver: server stopped\n[+]non_learner ok\n",
      ]);
      expect((await get("/readyz?exclude=serializable_read&exclude=linearizable_read")).text).toBe("ok\n");
    });

    it("counts calls by method and code, and shows the home member's state", async () => {
      await post("/v3/kv/put", put);
      await post("/v3/kv/range", "{}");
      await post("/v3/kv/put", "{");
      await get("/health");
      const { text, headers } = await get("/metrics");
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
          "etcd_server_health_success 1",
        ]),
      );
    });
  });
});
