import { etcdserverpb } from "@quorate/wire";
import { definite } from "../api/request-failure";
import { FakeStreams } from "../testing/fake-stream";
import { postText } from "../testing/http-client";
import { TestHttpDoor } from "../testing/test-http-door";

describe("a stream over HTTP/JSON", () => {
  let door: TestHttpDoor;
  let streams: FakeStreams;

  beforeEach(async () => {
    streams = new FakeStreams();
    door = await TestHttpDoor.start({ "etcdserverpb.Watch/Watch": streams.method });
  });

  afterEach(async () => {
    await door[Symbol.asyncDispose]();
  });

  const put = JSON.stringify({ key: "aw==" });
  const created = etcdserverpb.WatchResponse.encode({ watchId: 1, created: true }).finish();
  const open = "POST /v3/watch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
  const chunkOf = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const create = (key: string): string =>
    JSON.stringify({ create_request: { key: Buffer.from(key).toString("base64") } });

  it("passes JSON objects in and lines of results out, and ends in order", async () => {
    const socket = door.connection();
    socket.send(
      `${open}Authorization: Bearer secret\r\n\r\n${chunkOf(`${create("a")}${create("b").slice(0, 9)}`)}`,
    );
    const fake = await streams.next();
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
    const socket = door.connection();
    socket.send(postText("/v3/watch", create("k"), "Authorization: bare\r\n"));
    const fake = await streams.next();
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
    const early = door.post("/v3/watch", create("k"));
    (await streams.next()).sink.end(definite("compacted"));
    expect(await early).toMatchObject({ status: 400, json: { error: failure } });
    const late = fetch(`${door.url}/v3/watch`, { method: "POST", body: create("k") });
    const fake = await streams.next();
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
    const answer = await door.post("/v3/watch", body);
    expect(answer).toMatchObject({
      status,
      json: { error: { code: 3, message: expect.stringContaining(text) } },
    });
    expect((await streams.next()).events.at(-1)).toBe("cancel");
  });

  it("says when its caller reads more slowly than it is sent to, and when it caught up", async () => {
    const socket = door.connection();
    socket.send(postText("/v3/watch", create("k")));
    const fake = await streams.next();
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

  it("leaves requests unread while the method wants none, and reads on afterwards", async () => {
    const connection = door.connection();
    connection.send(`${open}\r\n${chunkOf(create("a"))}`);
    const fake = await streams.next();
    await fake.heard(1);
    fake.sink.pause();
    connection.send(`${chunkOf(create("b"))}0\r\n\r\n`);
    await door.get("/version"); // answered after the above has arrived
    expect(fake.events).toEqual(["a"]);
    fake.sink.resume();
    await fake.heard(3);
    expect(fake.events).toEqual(["a", "b", "end"]);
  });
});
