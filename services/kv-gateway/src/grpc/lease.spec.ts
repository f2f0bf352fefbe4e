import { Client, credentials, Metadata, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import { systemClock, systemScheduler } from "@quorate/actor";
import { etcdserverpb } from "@quorate/wire";
import { testGateway, type TestGateway } from "../testing/test-gateway";
import { KeepAliveStreams } from "../api/keep-alive-streams";
import type { ClientPort } from "../client-port/client-port";
import { testPort } from "../testing/test-port";
import { grpcServer } from "../testing/grpc-server";
import type { GrpcServer } from "./server";

const { LeaseKeepAliveRequest, LeaseKeepAliveResponse } = etcdserverpb;
type KeepAliveStream = ClientDuplexStream<Uint8Array, Uint8Array>;

// A real server and a real client on the loopback interface; only the nodes are scripted.
describe("LeaseKeepAlive over gRPC", () => {
  let parts: TestGateway;
  let streams: KeepAliveStreams;
  let port: ClientPort;
  let server: GrpcServer;
  let client: Client;

  beforeEach(async () => {
    parts = testGateway({ clock: systemClock, scheduler: systemScheduler });
    const { gateway, nodes } = parts;
    streams = new KeepAliveStreams(
      { electionTimeoutMs: 20 },
      { api: gateway.lease, tracker: gateway.tracker, clock: systemClock },
    );
    server = grpcServer({
      unary: {},
      streams: { "etcdserverpb.Lease/LeaseKeepAlive": streams.open },
    });
    port = await testPort({ http2: (socket) => server.take(socket) });
    client = new Client(`127.0.0.1:${port.port}`, credentials.createInsecure());
    const known = new Promise<void>((resolve) => void gateway.tracker.onChange(resolve));
    nodes[0].leads(5);
    await known;
    nodes[0].lease = ({ queries }) => ({
      kind: "results",
      results: queries.map(({ id }) => ({
        ok: true,
        bytes: LeaseKeepAliveResponse.encode({ ID: Number(id), TTL: id < 100n ? 9 : 0 }).finish(),
      })),
    });
  });

  afterEach(async () => {
    client.close();
    parts.gateway.close();
    port.stop();
    await server.stop(0);
    await parts.transport[Symbol.asyncDispose]();
    for (const node of parts.nodes) await node.disconnect();
  });

  function open(metadata: Record<string, string> = {}): KeepAliveStream {
    const sent = new Metadata();
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
    return client.makeBidiStreamRequest(
      "/etcdserverpb.Lease/LeaseKeepAlive",
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes: Buffer) => new Uint8Array(bytes),
      sent,
    );
  }

  /** The answers until the stream ends, and the error that ended it, if one did. */
  function ended(stream: KeepAliveStream): Promise<{ answers: number[][]; error: ServiceError | undefined }> {
    const answers: number[][] = [];
    stream.on("data", (bytes: Uint8Array) => {
      const { ID, TTL } = LeaseKeepAliveResponse.decode(bytes);
      answers.push([Number(ID), Number(TTL)]);
    });
    return new Promise((resolve) => {
      stream.on("error", (error) => resolve({ answers, error: error as ServiceError }));
      stream.on("end", () => resolve({ answers, error: undefined }));
    });
  }

  const request = (ID: number): Uint8Array => LeaseKeepAliveRequest.encode({ ID }).finish();

  it("answers each request of a stream once, in order, whatever the leases are", async () => {
    const stream = open();
    const done = ended(stream);
    const ids = Array.from({ length: 300 }, (_, at) => at + 1);
    for (const id of ids) stream.write(request(id));
    stream.end();
    expect(await done).toEqual({ answers: ids.map((id) => [id, id < 100 ? 9 : 0]), error: undefined });
  });

  it("ends a stream that asks for a leader when none is known, at once or after a while", async () => {
    const stream = open({ hasleader: "true" });
    const done = ended(stream);
    const answered = new Promise<void>((resolve) => stream.once("data", () => resolve()));
    stream.write(request(1));
    await answered;
    for (const node of parts.nodes) node.follows(undefined, 6);
    expect((await done).error).toMatchObject({ code: 14, details: "etcdserver: no leader" });
    const { answers, error } = await ended(open({ hasleader: "true" }));
    expect(answers).toEqual([]);
    expect(error).toMatchObject({ code: 14, details: "etcdserver: no leader" });
  });

  it("ends open streams when the gateway stops", async () => {
    const stream = open();
    const done = ended(stream);
    const answered = new Promise<void>((resolve) => stream.once("data", () => resolve()));
    stream.write(request(1));
    await answered;
    streams.stop();
    expect((await done).error).toMatchObject({ code: 14, details: "etcdserver: server stopped" });
  });

  it("ends a stream with a request that cannot be read", async () => {
    const stream = open();
    const done = ended(stream);
    stream.write(Uint8Array.of(0xff));
    expect((await done).error).toMatchObject({ code: 13 });
  });
});
