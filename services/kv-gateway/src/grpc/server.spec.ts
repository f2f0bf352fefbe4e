import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { Client, credentials, Metadata, type ClientReadableStream, type ServiceError } from "@grpc/grpc-js";
import { systemClock, systemScheduler } from "@quorate/actor";
import { concatBytes, utf8 } from "@quorate/base";
import { etcdserverpb, grpc as grpcMessages, messageToJson } from "@quorate/wire";
import { refuse, responseAt } from "../testing/scripted-node";
import { testGateway, type TestGateway } from "../testing/test-gateway";
import type { ClientPort } from "../client-port/client-port";
import { testPort } from "../testing/test-port";
import { grpcServer } from "../testing/grpc-server";
import { callTakenBack, HTTP2_GREETING } from "../testing/http2-frames";
import { apiMethods } from "../api/methods";
import { HealthService } from "./health";
import { framed } from "./messages";
import type { GrpcServer } from "./server";

const { PutRequest, RangeRequest, TxnRequest, MemberListRequest, MemberListResponse } = etcdserverpb;
const { HealthCheckRequest, HealthCheckResponse } = grpcMessages.health.v1;

// A real server and a real client on the loopback interface; only the nodes are scripted.
describe("GrpcServer", () => {
  let parts: TestGateway;
  let server: GrpcServer;
  let port: ClientPort;
  let health: HealthService;
  let client: Client;
  const failures: string[] = [];

  beforeEach(async () => {
    failures.length = 0;
    parts = testGateway({ clock: systemClock, scheduler: systemScheduler });
    const { gateway, nodes } = parts;
    const failed = (method: string): void => void failures.push(method);
    health = new HealthService();
    const methods = apiMethods(gateway);
    server = grpcServer(
      {
        unary: { ...methods.unary, ...health.methods.unary },
        streams: { ...methods.streams, ...health.methods.streams },
      },
      failed,
    );
    port = await testPort({ http2: (socket) => server.take(socket) });
    client = new Client(`127.0.0.1:${port.port}`, credentials.createInsecure());
    const known = new Promise<void>((resolve) => void gateway.tracker.onChange(resolve));
    nodes[0].leads(5);
    await known;
  });

  afterEach(async () => {
    client.close();
    parts.gateway.close();
    port.stop();
    await server.stop(0);
    await parts.transport[Symbol.asyncDispose]();
    for (const node of parts.nodes) await node.disconnect();
  });

  function call(
    path: string,
    request: Uint8Array,
    metadata: Record<string, string> = {},
    timeoutMs = 5000,
  ): Promise<Uint8Array> {
    const sent = new Metadata();
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes: Buffer) => new Uint8Array(bytes),
        request,
        sent,
        { deadline: Date.now() + timeoutMs },
        (error, response) => (error === null ? resolve(response!) : reject(error)),
      );
    });
  }

  async function errorOf(
    path: string,
    request: Uint8Array,
    metadata?: Record<string, string>,
  ): Promise<{ code: number; details: string }> {
    const error = await call(path, request, metadata).then(
      () => undefined,
      (reason: ServiceError) => reason,
    );
    return { code: error?.code ?? 0, details: error?.details ?? "" };
  }

  const put = PutRequest.encode({ key: utf8("k"), value: utf8("v") }).finish();

  it("passes a put's bytes to the leader and the response's bytes back, neither changed", async () => {
    expect(await call("/etcdserverpb.KV/Put", put)).toEqual(new Uint8Array(responseAt(2)));
    const [leader] = parts.nodes;
    expect(leader.proposals).toMatchObject([{ expectedTerm: 5, commands: [{ kind: "put" }] }]);
    expect(Buffer.from(leader.proposals[0]!.commands[0]!.bytes)).toEqual(Buffer.from(put));
  });

  it("knows read-only transactions from others, and serializable reads from linearizable ones", async () => {
    const range = { key: utf8("k") };
    const serializable = { ...range, serializable: true };
    const txn = (request: etcdserverpb.RangeRequest.$Properties): Uint8Array =>
      TxnRequest.encode({ success: [{ requestRange: request }] }).finish();
    await call("/etcdserverpb.KV/Range", RangeRequest.encode(range).finish());
    await call("/etcdserverpb.KV/Txn", txn(range));
    await call("/etcdserverpb.KV/Txn", txn(serializable));
    await call("/etcdserverpb.KV/Range", RangeRequest.encode(serializable).finish());
    const reads = parts.nodes.flatMap((node) =>
      node.reads.map((read) => [read.reads[0]!.kind, read.serializable]),
    );
    expect(reads.sort()).toEqual([
      ["slice", false],
      ["slice", true],
      ["txn", false],
      ["txn", true],
    ]);
    expect(parts.nodes[0].proposals).toHaveLength(0);
    const writing = { success: [{ requestRange: range }, { requestDeleteRange: { key: utf8("x") } }] };
    await call("/etcdserverpb.KV/Txn", TxnRequest.encode(writing).finish());
    expect(parts.nodes[0].proposals).toHaveLength(1);
  });

  it.each([
    ["Range", RangeRequest.encode({}).finish(), "etcdserver: key is not provided"],
    [
      "Range",
      RangeRequest.encode({
        key: utf8("k"),
        sortOrder: 9 as number as etcdserverpb.RangeRequest.SortOrder,
      }).finish(),
      "etcdserver: invalid sort option",
    ],
    [
      "Put",
      PutRequest.encode({ key: utf8("k"), value: utf8("v"), ignoreValue: true }).finish(),
      "etcdserver: value is provided",
    ],
    ["DeleteRange", new Uint8Array(0), "etcdserver: key is not provided"],
    ["Txn", TxnRequest.encode({ success: [{}] }).finish(), "etcdserver: key not found"],
    [
      "Put",
      PutRequest.encode({ key: utf8("k"), value: new Uint8Array(1.5 * 1024 * 1024) }).finish(),
      "etcdserver: request is too large",
    ],
  ])("refuses a wrong %s before anything is sent: %#", async (method, request, text) => {
    expect(await errorOf(`/etcdserverpb.KV/${method}`, request)).toEqual({ code: 3, details: text });
    expect(failures).toEqual([`etcdserverpb.KV/${method}`]);
    expect(parts.nodes.every((node) => node.proposals.length + node.reads.length === 0)).toBe(true);
  });

  it("answers bytes that are no message as grpc-go does, and goes on serving", async () => {
    const error = await errorOf("/etcdserverpb.KV/Put", new Uint8Array([0x0a, 0xff]));
    expect(error.code).toBe(13);
    expect(error.details).toMatch(/^grpc: error unmarshalling request: Cannot decode PutRequest/);
    await call("/etcdserverpb.KV/Put", put);
  });

  it("refuses messages above 2 MiB in the words of grpc-go", async () => {
    const error = await errorOf("/etcdserverpb.KV/Put", new Uint8Array(2 * 1024 * 1024 + 1));
    expect(error).toEqual({
      code: 8,
      details: "grpc: received message larger than max (2097153 vs. 2097152)",
    });
  });

  it("does not take messages far above that off the wire", async () => {
    const error = await errorOf("/etcdserverpb.KV/Put", new Uint8Array(8 * 1024 * 1024 + 1));
    expect(error.code).toBe(8);
  });

  it("tells what the node found wrong", async () => {
    parts.nodes[0].propose = () => ({
      kind: "results",
      results: [{ ok: false, failure: { code: "compacted", detail: "" } }],
    });
    const compact = etcdserverpb.CompactionRequest.encode({ revision: 3 }).finish();
    expect(await errorOf("/etcdserverpb.KV/Compact", compact)).toEqual({
      code: 11,
      details: "etcdserver: mvcc: required revision has been compacted",
    });
  });

  it("fails at once without a leader, if the caller wants one", async () => {
    parts.nodes[0].follows(undefined, 6);
    await parts.transport.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await errorOf("/etcdserverpb.KV/Put", put, { hasleader: "true" })).toEqual({
      code: 14,
      details: "etcdserver: no leader",
    });
  });

  it.each(["/etcdserverpb.Auth/AuthEnable", "/etcdserverpb.Auth/AuthStatus"])(
    "answers %s UNIMPLEMENTED",
    async (path) => {
      expect((await errorOf(path, new Uint8Array(0))).code).toBe(12);
    },
  );

  it("answers a put that was given up by its caller to nobody, and keeps serving", async () => {
    parts.nodes[0].propose = () => undefined;
    const error = await call("/etcdserverpb.KV/Put", put, {}, 50).catch((reason: ServiceError) => reason);
    expect(error).toMatchObject({ code: 4 });
    parts.nodes[0].propose = () => refuse("overloaded", 5, undefined);
    expect(await errorOf("/etcdserverpb.KV/Put", put)).toEqual({
      code: 8,
      details: "etcdserver: too many requests",
    });
  });

  it("closes its side of a connection when the client closes the other", async () => {
    const socket = connect({ port: port.port, host: "127.0.0.1" });
    const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), emptySettings]));
    await once(socket, "data");
    socket.resume().end();
    await once(socket, "close");
  });

  it("shows the home member's status, and nobody else's when it is gone", async () => {
    const status = await call("/etcdserverpb.Maintenance/Status", new Uint8Array(0));
    expect(messageToJson("etcdserverpb.StatusResponse", status)).toMatchObject({
      header: { cluster_id: "193", member_id: "1", raft_term: "5", revision: "7" },
      version: expect.stringMatching(/^3\.6\.\d+$/) as string,
      storageVersion: "3.6.0+quorate.1",
      dbSize: "4096",
      leader: "1",
      raftIndex: "11",
      raftAppliedIndex: "10",
    });
    parts.nodes[0].tellsStatus = false;
    expect((await errorOf("/etcdserverpb.Maintenance/Status", new Uint8Array(0))).code).toBe(14);
  });

  it("lists the members, confirmed by a quorum if asked for", async () => {
    const listed = MemberListResponse.decode(
      await call("/etcdserverpb.Cluster/MemberList", new Uint8Array(0)),
    );
    expect(listed.members.map(({ name }) => name)).toEqual(["member-1", "member-2", "member-3"]);
    expect(Number(listed.header!.revision ?? 0)).toBe(0);
    expect(parts.nodes[0].reads).toHaveLength(0);
    const linearizable = MemberListRequest.encode({ linearizable: true }).finish();
    await call("/etcdserverpb.Cluster/MemberList", linearizable);
    expect(parts.nodes[0].reads).toEqual([{ reads: [], serializable: false }]);
    parts.nodes[0].read = () => refuse("not-confirmed", 5, undefined);
    await call("/etcdserverpb.Cluster/MemberList", linearizable);
    expect(parts.nodes[1].reads.length + parts.nodes[2].reads.length).toBe(1);
  });

  it("is healthy as a whole, and knows no other service by name", async () => {
    const response = await call("/grpc.health.v1.Health/Check", new Uint8Array(0));
    expect(HealthCheckResponse.decode(response).status).toBe(HealthCheckResponse.ServingStatus.SERVING);
    const other = HealthCheckRequest.encode({ service: "etcdserverpb.KV" }).finish();
    expect((await errorOf("/grpc.health.v1.Health/Check", other)).code).toBe(5);
  });

  it.each([
    ["/etcdserverpb.KV/Nothing", "unknown method Nothing for service etcdserverpb.KV"],
    ["/no.Such/Method", "unknown service no.Such"],
  ])("names what it does not know in the words of grpc-go: %s", async (path, details) => {
    expect(await errorOf(path, new Uint8Array(0))).toEqual({ code: 12, details });
  });

  it("turns away who pings without end, as advised by the word in the goodbye", async () => {
    const session = connectHttp2(`http://127.0.0.1:${port.port}`);
    await once(session, "connect");
    const goodbye = new Promise<string>((resolve) => {
      session.on("goaway", (code: number, _last: number, data?: Buffer) =>
        resolve(`${code} ${String(data)}`),
      );
    });
    session.on("error", () => undefined);
    const ended = new Promise((resolve) => void session.on("close", resolve));
    for (let at = 0; at < 5 && !session.destroyed; at += 1) session.ping(() => undefined);
    expect(await goodbye).toBe("11 too_many_pings");
    await ended;
  });

  it.each([
    ["GET", "application/grpc", 405],
    ["POST", "application/json", 415],
  ])("refuses %s of %s as HTTP does", async (method, type, status) => {
    const session = connectHttp2(`http://127.0.0.1:${port.port}`);
    const stream = session.request({
      ":method": method,
      ":path": "/etcdserverpb.KV/Put",
      "content-type": type,
    });
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(headers[":status"]).toBe(status);
    session.destroy();
  });

  it.each([
    ["/etcdserverpb.KV/Range", "text/plain"],
    ["/etcdserverpb.KV/Range", "application/grpc"],
    ["/etcdserverpb.Watch/Watch", "application/grpc"],
    ["/no.Such/Method", "application/grpc"],
  ])("bears calls of %s as %s that are taken back before they are looked at", async (path, type) => {
    const codes = [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL];
    const calls = codes.flatMap((code, at) => callTakenBack(2 * at + 1, path, type, code));
    const socket = connect(port.port, "127.0.0.1");
    socket.end(concatBytes([...HTTP2_GREETING, ...calls]));
    await once(socket.resume(), "close");
    await call("/etcdserverpb.KV/Range", RangeRequest.encode({ key: utf8("k") }).finish());
  });

  it("says by itself that a deadline has passed", async () => {
    parts.nodes[0].propose = () => undefined;
    const session = connectHttp2(`http://127.0.0.1:${port.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/etcdserverpb.KV/Put",
      "content-type": "application/grpc+proto",
      "grpc-timeout": "20m",
    });
    stream.end(framed(put));
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(headers).toMatchObject({ "grpc-status": "4", "grpc-message": "context deadline exceeded" });
    session.destroy();
  });

  it("streams a range in chunks, or says why not", async () => {
    const streamed = (request: Uint8Array): Promise<{ chunks: number; error: ServiceError | undefined }> =>
      new Promise((resolve) => {
        const stream: ClientReadableStream<Uint8Array> = client.makeServerStreamRequest(
          "/etcdserverpb.KV/RangeStream",
          (bytes: Uint8Array) => Buffer.from(bytes),
          (bytes: Buffer) => new Uint8Array(bytes),
          request,
        );
        let chunks = 0;
        stream.on("data", () => (chunks += 1));
        stream.on("end", () => resolve({ chunks, error: undefined }));
        stream.on("error", (error) => resolve({ chunks, error: error as ServiceError }));
      });
    const key = utf8("k");
    expect(await streamed(RangeRequest.encode({ key }).finish())).toEqual({ chunks: 1, error: undefined });
    const refused = await streamed(RangeRequest.encode({ key, minModRevision: 2 }).finish());
    expect(refused).toMatchObject({
      chunks: 0,
      error: { code: 12, details: "RangeStream does not support revision filters" },
    });
  });

  it("tells watchers of its health that it stops, and ends their streams", async () => {
    const stream: ClientReadableStream<Uint8Array> = client.makeServerStreamRequest(
      "/grpc.health.v1.Health/Watch",
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes: Buffer) => new Uint8Array(bytes),
      new Uint8Array(0),
    );
    const seen: number[] = [];
    const ended = new Promise<void>((resolve) => void stream.on("end", resolve));
    await new Promise<void>((resolve) => {
      stream.on("data", (bytes: Uint8Array) => {
        seen.push(HealthCheckResponse.decode(bytes).status);
        resolve();
      });
    });
    health.stop();
    await ended;
    const { SERVING, NOT_SERVING } = HealthCheckResponse.ServingStatus;
    expect(seen).toEqual([SERVING, NOT_SERVING]);
  });
});
