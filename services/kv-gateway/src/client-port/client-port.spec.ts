import { ListenError } from "@quorate/probes";
import { connect, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";
import { testPort } from "../testing/test-port";
import type { ClientPort, ClientPortOptions } from "./client-port";
import { sniffProtocol } from "./protocol-sniffer";

describe("sniffProtocol", () => {
  it.each([
    ["", undefined],
    ["P", undefined],
    ["PR", undefined],
    ["PRI", "http2"],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
    ["G", "http1"],
    ["PO", "http1"],
    ["PRO", "http1"],
    ["\x16", "tls"],
    ["\x16\x03\x01", "tls"],
    ["\0", "http1"],
  ] as const)("takes %j for %s", (start, protocol) => {
    expect(sniffProtocol(Buffer.from(start, "latin1"))).toBe(protocol);
  });
});

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const SETTINGS_CONFIRMED = Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0]);
/** A frame of headers with nothing but a method. */
const REQUEST = Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, 1, 0x83]);
const HTTP2_OPENING = Buffer.concat([PREFACE, SETTINGS_CONFIRMED, REQUEST]);

describe("ClientPort", () => {
  let port: ClientPort;
  const clients: Socket[] = [];
  let taken: { protocol: string; received: Buffer }[] = [];

  async function listen(options: Partial<ClientPortOptions> = {}): Promise<void> {
    const take = (protocol: string) => (socket: Socket) => {
      const entry = { protocol, received: Buffer.alloc(0) };
      taken.push(entry);
      socket.on("data", (chunk: Buffer) => {
        entry.received = Buffer.concat([entry.received, chunk]);
        socket.write("seen");
      });
      socket.on("end", () => socket.end());
      socket.resume();
    };
    port = await testPort({ http1: take("http1"), http2: take("http2") }, options);
  }

  function client(): Socket {
    const socket = connect({ port: port.port, host: "127.0.0.1", noDelay: true });
    clients.push(socket);
    return socket;
  }

  afterEach(() => {
    for (const socket of clients.splice(0)) socket.destroy();
    port.stop();
    taken = [];
  });

  it("hands a connection over with every byte, in order, however they trickle in", async () => {
    await listen();
    const socket = client();
    for (const byte of HTTP2_OPENING) {
      await new Promise<void>((resolve) => socket.write(Buffer.of(byte), () => setImmediate(resolve)));
    }
    socket.end();
    await once(socket.resume(), "end");
    expect(taken).toEqual([{ protocol: "http2", received: Buffer.concat([PREFACE, REQUEST]) }]);
  });

  it("keeps connections of both protocols apart", async () => {
    await listen();
    const both = [client(), client()] as const;
    both[0].write("PR");
    both[1].write("PUT /");
    await once(both[1], "data");
    both[0].write(Buffer.concat([HTTP2_OPENING.subarray(2), Buffer.from("more")]));
    const ofBoth = (): [string, string][] =>
      taken.map((one) => [one.protocol, one.received.toString("latin1")]);
    while (taken.length < 2 || taken[1]!.received.length === 0) await once(both[0], "data");
    expect(ofBoth()).toEqual([
      ["http1", "PUT /"],
      ["http2", `${PREFACE.toString()}${REQUEST.toString("latin1")}more`],
    ]);
  });

  it("drops a connection that does not say what it speaks", async () => {
    await listen({ sniffMs: 30 });
    const silent = client().resume();
    const hesitant = client().resume();
    hesitant.write("PR");
    await Promise.all([once(silent, "close"), once(hesitant, "close")]);
    expect(taken).toEqual([]);
  });

  it("drops a connection that ends before it said what it speaks", async () => {
    await listen();
    const socket = client().resume();
    socket.end("P");
    await once(socket, "close");
    expect(taken).toEqual([]);
  });

  it("ends a TLS connection on a plain port at once", async () => {
    await listen();
    const socket = connectTls({ port: port.port, host: "127.0.0.1" });
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toBe(
      "Client network socket disconnected before secure TLS connection was established",
    );
  });

  it("stops listening and drops who has said nothing, but leaves who was handed over", async () => {
    await listen();
    const served = client();
    served.write("GET");
    await once(served, "data");
    const silent = client().resume();
    await once(silent, "connect");
    served.write(" /"); // answered after the silent one was accepted
    await once(served, "data");
    const { port: number } = port;
    port.stop();
    await once(silent, "close");
    served.write(" more");
    await once(served, "data");
    const late = connect({ port: number, host: "127.0.0.1" });
    const [refused] = (await once(late, "error")) as [NodeJS.ErrnoException];
    expect(refused.code).toBe("ECONNREFUSED");
  });

  it("says in one line that its address is taken", async () => {
    await listen();
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
    const number = (other.address() as { port: number }).port;
    const second = testPort({}, { port: number });
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toMatchObject({
      code: "listen",
      message: `Cannot listen on 127.0.0.1:${number}: another process does (EADDRINUSE)`,
    });
    await new Promise((resolve) => other.close(resolve));
  });
});
