import { VirtualTime } from "@quorate/actor";
import { textOf, utf8 } from "@quorate/base";
import type { RequestResult, Transport } from "@quorate/transport";
import { decodeBatchResponse, encodeBatchRequest, etcdserverpb, type ApiService } from "@quorate/wire";
import { acceptAll, responseAt } from "../testing/scripted-node";
import { testGateway, type TestGateway } from "../testing/test-gateway";
import { natsMethods } from "./api-methods";
import { NatsApi } from "./nats-api";

const { PutRequest, PutResponse } = etcdserverpb;

interface Answer {
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

describe("NatsApi", () => {
  let time: VirtualTime;
  let parts: TestGateway;
  let api: NatsApi;
  let client: Transport;

  beforeEach(() => {
    time = new VirtualTime();
    parts = testGateway({ clock: time, scheduler: time });
    const { gateway, transport, subjects } = parts;
    const methods = natsMethods(gateway);
    api = new NatsApi({ transport, subjects, methods, failed: () => undefined });
    void api.start();
    client = parts.network.connect("client");
    parts.nodes[0].leads(5);
  });

  /** Sends a request and lets time pass until it is answered. */
  async function ask(
    service: ApiService,
    method: string,
    payload: Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    await flushed();
    let result: RequestResult | undefined;
    const options = headers === undefined ? { timeoutMs: 20_000 } : { timeoutMs: 20_000, headers };
    client.request(parts.subjects.api(service, method), payload, options, (given) => {
      result = given.kind === "answer" ? { ...given, payload: new Uint8Array(given.payload) } : given;
    });
    for (let waited = 0; result === undefined && waited < 20_000; waited += 10) time.advance(10);
    if (result?.kind !== "answer") throw new Error(`not answered: ${JSON.stringify(result)}`);
    return { payload: result.payload, headers: result.headers ?? {} };
  }

  /** Serving takes promises, which virtual time does not move. */
  async function flushed(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) {
      await Promise.resolve();
      time.advance(0);
    }
  }

  const json = { "Content-Type": "application/json" };
  const put = PutRequest.encode({ key: utf8("k"), value: utf8("v") }).finish();

  it("takes protobuf by default and answers with the node's own bytes", async () => {
    expect(await ask("kv", "put", put)).toEqual({ payload: new Uint8Array(responseAt(2)), headers: {} });
    expect(Buffer.from(parts.nodes[0].proposals[0]!.commands[0]!.bytes)).toEqual(Buffer.from(put));
  });

  it("speaks etcd's JSON when the content type says so", async () => {
    const request = { key: "aw==", value: "dg==", lease: "0" };
    const answer = await ask("kv", "put", utf8(JSON.stringify(request)), json);
    expect(answer.headers["Content-Type"]).toBe("application/json");
    expect(JSON.parse(textOf(answer.payload))).toEqual({ header: { revision: "2" } });
    expect(PutRequest.decode(parts.nodes[0].proposals[0]!.commands[0]!.bytes)).toMatchObject({
      key: Buffer.from("k"),
      value: Buffer.from("v"),
    });
  });

  it("lists members and shows the status, also for an empty request in JSON", async () => {
    const list = JSON.parse(
      textOf((await ask("cluster", "memberlist", new Uint8Array(0), json)).payload),
    ) as {
      members: { ID: string }[];
    };
    expect(list.members.map(({ ID }) => ID)).toEqual(["1", "2", "3"]);
    const status = JSON.parse(
      textOf((await ask("maintenance", "status", new Uint8Array(0), json)).payload),
    ) as object;
    expect(status).toMatchObject({ leader: "1", raftTerm: "5" });
  });

  it("names the field that is wrong in JSON", async () => {
    const { headers } = await ask("kv", "range", utf8('{"key":"aw==","limit":"many"}'), json);
    expect(headers["Nats-Service-Error-Code"]).toBe("3");
    expect(headers["Nats-Service-Error"]).toMatch(/limit/);
  });

  it.each([
    ["kv", "put", new Uint8Array([0x0a, 0xff]), undefined, "3", /Cannot decode PutRequest/],
    ["kv", "put", utf8("{"), json, "3", /Cannot read JSON of etcdserverpb.PutRequest/],
    [
      "kv",
      "put",
      utf8("k: v"),
      { "content-type": "text/yaml" },
      "3",
      /^kv.put takes application\/json.*, not text\/yaml$/,
    ],
    ["kv", "batch", utf8("{}"), json, "3", /^kv.batch takes application\/protobuf, not application\/json$/],
    ["kv", "range", new Uint8Array(0), undefined, "3", /^etcdserver: key is not provided$/],
    ["kv", "increment", put, undefined, "12", /^unknown method kv.increment$/],
    ["kv", "put", put, { "Grpc-Timeout": "soon" }, "3", /^invalid grpc-timeout: soon$/],
    ["lock", "unlock", utf8("{"), json, "3", /Cannot read JSON of v3lockpb.UnlockRequest/],
    ["election", "observe", put, undefined, "12", /^unknown method election.observe$/],
    ["auth", "enable", put, undefined, "12", /^unknown method auth.enable$/],
  ] as const)(
    "answers a wrong request to %s.%s with a code and a text: %#",
    async (service, method, payload, headers, code, text) => {
      const answer = await ask(service, method, payload, headers);
      expect(answer.payload).toHaveLength(0);
      expect(answer.headers["Nats-Service-Error-Code"]).toBe(code);
      expect(answer.headers["Nats-Service-Error"]).toMatch(text);
      expect(answer.headers["Quorate-Outcome"]).toBeUndefined();
    },
  );

  it("marks a write whose outcome is unknown", async () => {
    parts.nodes[0].propose = () => undefined;
    const { headers } = await ask("kv", "put", put);
    expect(headers).toEqual({
      "Nats-Service-Error-Code": "14",
      "Nats-Service-Error": "etcdserver: request timed out",
      "Quorate-Outcome": "unknown",
    });
  });

  it("answers each call of a batch on its own", async () => {
    parts.nodes[0].propose = ({ commands }) => acceptAll(commands.length, 9);
    const { payload } = await ask(
      "kv",
      "batch",
      encodeBatchRequest([
        { kind: "put", bytes: put },
        { kind: "put", bytes: new Uint8Array(0) },
        { kind: "delete-range", bytes: etcdserverpb.DeleteRangeRequest.encode({ key: utf8("x") }).finish() },
      ]),
    );
    const answers = decodeBatchResponse(payload);
    expect(answers[1]).toEqual({
      ok: false,
      code: 3,
      message: "etcdserver: key is not provided",
      unknownOutcome: false,
    });
    const revisions = [answers[0]!, answers[2]!].map((answer) =>
      answer.ok ? Number(PutResponse.decode(answer.bytes).header!.revision) : undefined,
    );
    expect(revisions).toEqual([9, 10]);
  });

  it("answers an empty batch", async () => {
    expect(decodeBatchResponse((await ask("kv", "batch", new Uint8Array(0))).payload)).toEqual([]);
  });

  it("does not carry out what nobody could be told the outcome of", async () => {
    await flushed();
    client.publish(parts.subjects.api("kv", "put"), put);
    time.advance(1000);
    expect(parts.nodes[0].proposals).toHaveLength(0);
  });

  it("takes no calls after it stopped", async () => {
    await ask("kv", "put", put);
    const stopped = api.stop();
    await flushed();
    await stopped;
    await expect(ask("kv", "put", put)).rejects.toThrow("no-responders");
  });

  it("waits no longer than the caller says", async () => {
    parts.nodes[0].propose = () => undefined;
    const { headers } = await ask("kv", "put", put, { "Grpc-Timeout": "500m" });
    expect(headers).toMatchObject({ "Nats-Service-Error-Code": "14", "Quorate-Outcome": "unknown" });
    expect(time.now()).toBeLessThan(2000);
  });

  it("renews leases at the leader, in JSON too", async () => {
    const json = { "Content-Type": "application/json" };
    parts.nodes[0].lease = ({ queries }) => ({
      kind: "results",
      results: queries.map(() => ({
        ok: true,
        bytes: etcdserverpb.LeaseKeepAliveResponse.encode({ ID: 7, TTL: 9 }).finish(),
      })),
    });
    const answer = await ask("lease", "keepalive", utf8('{"ID":"7"}'), json);
    expect(JSON.parse(textOf(answer.payload))).toEqual({ ID: "7", TTL: "9" });
    expect(parts.nodes[0].leaseAsks).toMatchObject([{ queries: [{ kind: "keep-alive", id: 7n }] }]);
  });
});
