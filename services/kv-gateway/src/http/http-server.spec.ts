import { etcdserverpb } from "@quorate/wire";
import { FakeStreams } from "../testing/fake-stream";
import { postText } from "../testing/http-client";
import { HURRIED, TestHttpDoor } from "../testing/test-http-door";

const put = JSON.stringify({ key: "aw==", value: "dg==", nonsense: { is: ["ignored"] } });
const error = (code: number, message: unknown) => ({ error: message, code, message, details: [] });

describe("HttpServer", () => {
  let door: TestHttpDoor;
  let streams: FakeStreams;

  beforeEach(async () => {
    streams = new FakeStreams();
    door = await TestHttpDoor.start({ "etcdserverpb.Watch/Watch": streams.method });
  });

  afterEach(async () => {
    await door[Symbol.asyncDispose]();
  });

  it("answers GET with 405, and the body that grpc-gateway has for it", async () => {
    const { status, text, headers } = await door.get("/v3/kv/range");
    expect([status, JSON.parse(text), headers.get("allow")]).toEqual([
      405,
      error(12, "Method Not Allowed"),
      "POST",
    ]);
  });

  it("lets pages of any origin call", async () => {
    const response = await fetch(`${door.url}/v3/kv/range`, { method: "OPTIONS" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    for (const { headers } of [response, await door.post("/v3/kv/put", put), await door.get("/version")]) {
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("access-control-allow-methods")).toBe("POST, GET, OPTIONS, PUT, DELETE");
      expect(headers.get("access-control-allow-headers")).toBe("accept, content-type, authorization");
    }
  });

  it("cuts the connection of a client that sends without end", async () => {
    const socket = door.connection();
    socket.send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
    const chunk = "A".repeat(1024 * 1024);
    while (!socket.socket.destroyed && socket.socket.writable) {
      await new Promise<void>((resolve) => void socket.socket.write(chunk, () => resolve()));
    }
    expect(await socket.end()).toBe("");
  });

  it("answers pipelined requests in their order", async () => {
    door.parts.nodes[0].read = door.parts.nodes[1].read = door.parts.nodes[2].read = () => undefined;
    const socket = door.connection();
    const slow = postText("/v3/kv/range", '{"key":"aw=="}', "Grpc-Timeout: 50m\r\n");
    socket.send(slow + postText("/v3/kv/put", put) + "GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
    await socket.read(/HTTP\/1.1 503[^]*request timed out[^]*?\]}/);
    await socket.read(/^HTTP\/1.1 200 OK[^]*"revision":"2"}}/);
    await socket.read(/^HTTP\/1.1 200 OK[^]*"etcdserver":"3\.\d+\.\d+"/);
  });

  it("reads a request that comes byte by byte", async () => {
    const socket = door.connection();
    for (const byte of postText("/v3/kv/put", put)) {
      await new Promise<void>((resolve) => void socket.socket.write(byte, () => resolve()));
    }
    await socket.read(/^HTTP\/1.1 200 OK[^]*"revision":"2"}}/);
  });

  it("gives up on headers and bodies that do not come", async () => {
    await using hurried = await TestHttpDoor.start({}, HURRIED);
    const [headers, body] = [hurried.connection(), hurried.connection()];
    headers.send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\n");
    body.send("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
    expect(await headers.end()).toMatch(/^HTTP\/1.1 408/);
    expect(await body.end()).toMatch(/^HTTP\/1.1 408[^]*did not arrive in time/);
  });

  it("closes its side of a connection when the client closes the other", async () => {
    const connection = door.connection();
    connection.send("GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
    await connection.read(/storage":"[\d.]+"}/);
    connection.socket.end();
    expect(await connection.end()).toBe("");
  });

  it("answers noise with 400 and goes on serving", async () => {
    const socket = door.connection();
    socket.send("\0\0\0 nonsense\r\n\r\n");
    expect(await socket.end()).toMatch(/^HTTP\/1.1 400/);
    expect((await door.post("/v3/kv/put", put)).status).toBe(200);
  });

  it("ends streams as stopped when it stops, lets calls end, and closes connections", async () => {
    const created = etcdserverpb.WatchResponse.encode({ created: true }).finish();
    const [idle, busy, streaming] = [door.connection(), door.connection(), door.connection()];
    idle.send("GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
    await idle.read(/storage":"[\d.]+"}/);
    let answerPut: (() => void) | undefined;
    door.parts.nodes[0].propose = () => {
      answerPut?.();
      return undefined;
    };
    const proposed = new Promise<void>((resolve) => (answerPut = resolve));
    busy.send(postText("/v3/kv/put", put, "Grpc-Timeout: 100m\r\n"));
    streaming.send(postText("/v3/watch", '{"create_request":{}}'));
    const fake = await streams.next();
    fake.sink.send(created);
    await Promise.all([proposed, streaming.read(/created/)]);
    const stopped = door.http.stop(5000);
    expect(await idle.end()).toBe("");
    expect(await streaming.end()).toMatch(
      /"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: server stopped"/,
    );
    expect(fake.events.at(-1)).toBe("cancel");
    expect(await busy.end()).toMatch(/^HTTP\/1.1 503[^]*request timed out/);
    await stopped;
  });
});
