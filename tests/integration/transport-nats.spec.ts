import { systemClock } from "@quorate/actor";
import { textOf, utf8 } from "@quorate/base";
import { freePort, startNatsServer, type NatsServer, type NatsServerOptions } from "@quorate/testing";
import {
  transportContract,
  type RequestResult,
  type Transport,
  type TransportStatus,
} from "@quorate/transport";
import { NatsTransport, type NatsTransportOptions, type TransportNotice } from "@quorate/transport-nats";
import { eventually } from "../harness/eventually";

const MEGABYTE = 1024 * 1024;

function connectTo(server: NatsServer, options: Partial<NatsTransportOptions> = {}): Promise<Transport> {
  return NatsTransport.connect({ servers: [server.url], name: "spec", ...options }, { clock: systemClock });
}

transportContract("NATS", async () => {
  const server = await startNatsServer();
  return {
    fragmentBytes: 512 * 1024, // the default; the broker's limit is its default too
    connect: (name) => connectTo(server, { name }),
    stop: () => server.stop(),
  };
});

describe("the transport on NATS", () => {
  const servers: NatsServer[] = [];
  const transports: Transport[] = [];

  async function start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = await startNatsServer(options);
    servers.push(server);
    return server;
  }

  async function connect(
    server: NatsServer,
    options: Partial<NatsTransportOptions> = {},
  ): Promise<Transport> {
    const transport = await connectTo(server, options);
    transports.push(transport);
    return transport;
  }

  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport[Symbol.asyncDispose]();
    for (const server of servers.splice(0)) await server.stop();
  });

  it("publishes nothing where a subject would end the line that it stands in", async () => {
    const server = await start();
    const notices: TransportNotice[] = [];
    const [receiver, sender] = [
      await connect(server),
      await connect(server, { onNotice: (notice) => notices.push(notice) }),
    ];
    const heard: string[] = [];
    receiver.subscribe("planted", ({ payload }) => heard.push(textOf(payload)));
    await receiver.flush();
    sender.publish("a 0\r\n\r\nPUB planted 2\r\nhi\r\nPUB b", utf8("x"));
    sender.publish("planted", utf8("honest"));
    await sender.flush();
    await receiver.flush();
    expect(heard).toEqual(["honest"]);
    expect(notices.filter(({ kind }) => kind === "not-publishable")).toHaveLength(1);
  });

  describe("when the broker restarts", () => {
    it("reports it, fails what waits, drops what is published meanwhile, and subscribes again", async () => {
      const server = await start();
      const [receiver, sender] = [await connect(server), await connect(server)];
      const texts: string[] = [];
      const marker = Promise.withResolvers<void>();
      receiver.subscribe("outage.texts", ({ payload }) => {
        texts.push(textOf(payload));
        if (textOf(payload) === "after") marker.resolve();
      });
      receiver.subscribe("outage.silent", () => {});
      await receiver.flush();
      const statuses = watch(sender);
      const pending = ask(sender, "outage.silent", utf8("?"), 60_000);
      sender.publish("outage.texts", utf8("before"));
      await sender.flush();
      await receiver.flush();
      const bothLost = Promise.all([reach(sender, "disconnected"), reach(receiver, "disconnected")]);
      await server.kill();
      await bothLost;
      expect(await pending).toEqual({ kind: "no-answer", why: "disconnected" });
      for (let at = 0; at < 200; at += 1)
        expect(sender.publish("outage.texts", utf8(`lost ${at}`))).toBe(false);
      expect(await ask(sender, "outage.silent", utf8("?"), 60_000)).toEqual({ kind: "not-sent" });
      await expect(sender.flush()).rejects.toMatchObject({ code: "not-connected" });
      const bothBack = Promise.all([reach(sender, "connected"), reach(receiver, "connected")]);
      await server.restart();
      await bothBack;
      await receiver.flush();
      expect(sender.publish("outage.texts", utf8("after"))).toBe(true);
      await marker.promise;
      expect(texts).toEqual(["before", "after"]);
      expect(statuses).toEqual(["disconnected", "connected"]);
    });

    it("keeps what a subscription made during the outage promises", async () => {
      const server = await start();
      const [receiver, sender] = [await connect(server), await connect(server)];
      const lost = reach(receiver, "disconnected");
      await server.kill();
      await lost;
      receiver.subscribe("outage.late", ({ reply }) => receiver.publish(reply!, utf8("here")));
      const back = Promise.all([reach(receiver, "connected"), reach(sender, "connected")]);
      await server.restart();
      await back;
      await receiver.flush();
      expect(await ask(sender, "outage.late", utf8("?"))).toMatchObject({ kind: "answer", text: "here" });
    });

    it("comes back at once though the system's clock was set back meanwhile", async () => {
      const server = await start();
      const transport = await connect(server);
      const lost = reach(transport, "disconnected");
      const realNow = Date.now;
      const clock = jest.spyOn(Date, "now").mockImplementation(() => realNow() + 3_600_000);
      try {
        await server.kill();
        await lost;
        const asked = clock.mock.calls.length;
        await eventually(
          "attempts to connect",
          { withinMs: 10_000 },
          () => clock.mock.calls.length > asked + 10,
        );
      } finally {
        clock.mockRestore();
      }
      const back = reach(transport, "connected");
      await server.restart();
      await back;
    });

    it("leaves a broker that is frozen, with unsent bytes on the way to it, for another one", async () => {
      const both = [await start(), await start()];
      const notices: TransportNotice[] = [];
      const transport = await connect(both[0]!, {
        servers: both.map(({ url }) => url),
        pingIntervalMs: 50,
        connectTimeoutMs: 200,
        onNotice: (notice) => notices.push(notice),
      });
      const lost = reach(transport, "disconnected");
      const back = reach(transport, "connected");
      for (const server of both) server.pause(); // one of them is in use, chosen at random
      // More than the system's buffers hold: the library would wait for these writes before it let go of the socket.
      for (let at = 0; at < 128; at += 1) transport.publish("frozen", new Uint8Array(MEGABYTE / 4));
      await lost;
      const notice = notices.find(({ kind }) => kind === "stale-connection");
      const other = both.find(
        ({ port }) => notice?.kind === "stale-connection" && !notice.server.endsWith(`:${port}`),
      );
      other!.resume();
      await back;
      await transport.flush();
    });
  });

  describe("large payloads", () => {
    it("of 3 MiB pass by publish, by request and through a queue group of services", async () => {
      const server = await start();
      const [receiver, sender] = [await connect(server), await connect(server)];
      const payload = new Uint8Array(3 * MEGABYTE).map((_, at) => at ^ (at >> 8) ^ (at >> 16));
      const published = Promise.withResolvers<Buffer>();
      receiver.subscribe("large.publish", (message) => published.resolve(Buffer.from(message.payload)));
      receiver.subscribe("large.request", ({ payload: got, reply }) => receiver.publish(reply!, got));
      for (const transport of [receiver, await connect(server)]) {
        await transport.serve({
          name: "large",
          version: "1.0.0",
          description: "sends back what it gets",
          queue: "large",
          endpoints: [
            {
              name: "echo",
              subject: "large.echo",
              handler: (message) => transport.publish(message.reply!, message.payload),
            },
          ],
        });
      }
      await receiver.flush();
      sender.publish("large.publish", payload);
      expect((await published.promise).equals(payload)).toBe(true);
      for (const subject of ["large.request", "large.echo", "large.echo"]) {
        const answer = await ask(sender, subject, payload);
        expect(answer.bytes?.equals(payload)).toBe(true);
      }
    });

    it("need a broker whose limit has room for a part", async () => {
      const server = await start({ maxPayload: 256 * 1024 });
      await expect(connectTo(server)).rejects.toMatchObject({
        code: "transport-configuration",
        message: expect.stringContaining("Set max_payload in its configuration to at least 528384"),
        facts: { maxPayload: 262_144, needed: 528_384 },
      });
      await connect(server, { fragmentBytes: 128 * 1024 });
    });
  });

  describe("connecting", () => {
    it("names the brokers that it cannot reach, in time", async () => {
      const url = `nats://127.0.0.1:${await freePort()}`;
      const started = performance.now();
      await expect(
        NatsTransport.connect(
          { servers: [url], name: "spec", connectTimeoutMs: 300 },
          { clock: systemClock },
        ),
      ).rejects.toMatchObject({
        code: "broker-unreachable",
        servers: [url],
        message: expect.stringMatching(new RegExp(`${url} within 300 ms \\(.*\\): start nats-server there`)),
      });
      expect(performance.now() - started).toBeLessThan(2000);
    });

    it("waits for a broker that starts a little later", async () => {
      const port = await freePort();
      const connecting = NatsTransport.connect(
        { servers: [`127.0.0.1:${port}`], name: "spec", connectTimeoutMs: 10_000 },
        { clock: systemClock },
      );
      await start({ port });
      const transport = await connecting;
      transports.push(transport);
      await transport.flush();
    });

    it("gives up in time on a broker that accepts and says nothing", async () => {
      const server = await start();
      server.pause();
      await expect(connectTo(server, { connectTimeoutMs: 200 })).rejects.toMatchObject({
        code: "broker-unreachable",
      });
    });

    it("falls over to a broker that was down when it connected first", async () => {
      const second = await start();
      await second.kill();
      const first = await start();
      const transport = await connect(first, { servers: [second.url, first.url] });
      const lost = reach(transport, "disconnected");
      await first.kill();
      await lost;
      const back = reach(transport, "connected");
      await second.restart();
      await back;
    });

    it("tells a refused login from a missing broker", async () => {
      const server = await start({ config: 'authorization { user: "node", password: "secret" }' });
      await expect(connectTo(server, { user: "node", pass: "wrong" })).rejects.toMatchObject({
        code: "broker-refused",
      });
      await connect(server, { user: "node", pass: "secret" });
    });
  });

  describe("notices", () => {
    it("tell of forbidden subjects and of lame-duck mode", async () => {
      const server = await start({
        config: `authorization { users: [{ user: "u", password: "p",
          permissions: { publish: ["allowed", "_INBOX.>"], subscribe: ["allowed", "_INBOX.>"] } }] }
          lame_duck_duration: "30s", lame_duck_grace_period: "1s"`,
      });
      const notices: TransportNotice[] = [];
      const lameDuck = Promise.withResolvers<void>();
      const transport = await connect(server, {
        user: "u",
        pass: "p",
        onNotice: (notice) => {
          notices.push(notice);
          if (notice.kind === "lame-duck") lameDuck.resolve();
        },
      });
      transport.publish("forbidden", utf8("x"));
      transport.subscribe("forbidden", () => {}, { queue: "group" });
      await transport.flush();
      expect(notices).toEqual([
        { kind: "permission-denied", operation: "publish", subject: "forbidden" },
        { kind: "permission-denied", operation: "subscription", subject: "forbidden" },
      ]);
      expect(transport.status).toBe("connected");
      server.signal("SIGUSR2");
      await lameDuck.promise;
    });

    it("of lame-duck mode are followed by an orderly move, if there is another broker", async () => {
      const lame = 'lame_duck_duration: "30s", lame_duck_grace_period: "10s"';
      const leaving = await start({ config: lame });
      const otherPort = await freePort();
      const said: string[] = [];
      const listener = await connect(leaving, { servers: [leaving.url] });
      listener.subscribe("last.words", ({ payload }) => void said.push(textOf(payload)));
      const moved = Promise.withResolvers<void>();
      const transport: Transport = await connect(leaving, {
        servers: [leaving.url, `nats://127.0.0.1:${otherPort}`],
        beforeMove: async () => {
          await Promise.resolve();
          transport.publish("last.words", utf8("goodbye"));
        },
      });
      await listener.flush();
      const other = await start({ port: otherPort }); // only now, so that it did not begin there
      transport.onStatus((status) => void (status === "connected" && moved.resolve()));
      leaving.signal("SIGUSR2");
      await moved.promise;
      const there = await connect(other);
      const heard = Promise.withResolvers<string>();
      there.subscribe("new.words", ({ payload }) => heard.resolve(textOf(payload)));
      await there.flush();
      transport.publish("new.words", utf8("here"));
      expect(await heard.promise).toBe("here");
      expect(said).toEqual(["goodbye"]);
      expect(listener.status).toBe("connected"); // with nowhere to go it stays to the end
      await leaving.kill(); // an orderly end takes as long as it has announced
    });

    it("tell of a message that cannot be sent at all", async () => {
      const server = await start();
      const notices: TransportNotice[] = [];
      const transport = await connect(server, { onNotice: (notice) => notices.push(notice) });
      expect(transport.publish("x", utf8("x"), { headers: { Bad: "line\r\nbreak" } })).toBe(false);
      expect(notices).toEqual([{ kind: "not-publishable", subject: "x", error: expect.any(Error) }]);
    });
  });

  describe("services", () => {
    it("are found by the discovery of NATS", async () => {
      const server = await start();
      const [serving, asking] = [await connect(server), await connect(server)];
      const served = await serving.serve({
        name: "quorate-kv",
        version: "1.2.3",
        description: "keys and values",
        queue: "gateways",
        endpoints: [{ name: "range", subject: "quorate.c1.kv.range", handler: () => {} }],
      });
      await serving.flush();
      const ping = JSON.parse((await ask(asking, "$SRV.PING.quorate-kv", utf8(""))).text!) as unknown;
      expect(ping).toMatchObject({ name: "quorate-kv", version: "1.2.3" });
      const info = JSON.parse((await ask(asking, "$SRV.INFO", utf8(""))).text!) as unknown;
      expect(info).toMatchObject({
        description: "keys and values",
        endpoints: [{ name: "range", subject: "quorate.c1.kv.range", queue_group: "gateways" }],
      });
      const stats = JSON.parse((await ask(asking, "$SRV.STATS", utf8(""))).text!) as unknown;
      expect(stats).toMatchObject({ endpoints: [{ name: "range", num_requests: 0 }] });
      await served.stop();
      await serving.flush();
      expect(await ask(asking, "$SRV.PING.quorate-kv", utf8(""))).toEqual({ kind: "no-responders" });
    });
  });
});

/** Resolves at the next change to `status`. */
function reach(transport: Transport, status: TransportStatus): Promise<void> {
  return new Promise((resolve) => {
    const subscription = transport.onStatus((reached) => {
      if (reached !== status) return;
      subscription.unsubscribe();
      resolve();
    });
  });
}

function watch(transport: Transport): TransportStatus[] {
  const statuses: TransportStatus[] = [];
  transport.onStatus((status) => statuses.push(status));
  return statuses;
}

interface Asked {
  readonly kind: RequestResult["kind"];
  readonly bytes?: Buffer;
  readonly text?: string;
}

function ask(transport: Transport, subject: string, payload: Uint8Array, timeoutMs = 10_000): Promise<Asked> {
  return new Promise((resolve) => {
    transport.request(subject, payload, { timeoutMs }, (result) => {
      if (result.kind !== "answer") return resolve(result);
      const bytes = Buffer.from(result.payload);
      resolve({ kind: "answer", bytes, text: bytes.length < 10_000 ? bytes.toString() : "" });
    });
  });
}
