import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { connect as connectPlain, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { testCertificate, testKey } from "@quorate/testing";
import { testPort } from "../testing/test-port";
import type { ClientPort } from "./client-port";
import { TlsFilesError, TlsFileWatch } from "./tls-files";
import { checkTlsSettings, tlsOptionsOf, type TlsSettings } from "./tls-settings";
import { TlsTermination } from "./tls-termination";

const SETTINGS: TlsSettings = {
  certFile: testCertificate("server"),
  keyFile: testKey("server"),
  clientCertAuth: false,
  tlsMinVersion: "TLS1.2",
  tlsMaxVersion: "TLS1.3",
};
const ca = readFileSync(testCertificate("authority"));

describe("a client port with TLS", () => {
  let port: ClientPort;
  let taken: string[] = [];
  const clients: { destroy(): void }[] = [];

  async function listen(settings: Partial<TlsSettings> = {}): Promise<void> {
    const take = (protocol: string) => (socket: TLSSocket) => {
      socket.on("data", (chunk: Buffer) => {
        taken.push(`${protocol} ${chunk.toString("latin1")}`);
        socket.write("seen");
      });
      socket.on("error", () => undefined);
      socket.resume();
    };
    port = await testPort(
      { http1: take("http1") as never, http2: take("http2") as never },
      { tls: tlsOptionsOf({ ...SETTINGS, ...settings }) },
    );
  }

  function client(options: ConnectionOptions = {}): TLSSocket {
    const socket = connect({ host: "127.0.0.1", port: port.port, ca, ...options });
    clients.push(socket);
    return socket;
  }

  /** What becomes of a request of a client with these options. */
  async function ask(options: ConnectionOptions = {}): Promise<string> {
    const socket = client(options);
    return new Promise((resolve) => {
      socket.on("data", (chunk: Buffer) => resolve(chunk.toString()));
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on("close", () => resolve("closed"));
      socket.write("GET /");
    });
  }

  afterEach(() => {
    for (const socket of clients.splice(0)) socket.destroy();
    port.stop();
    taken = [];
  });

  it("serves who speaks inside TLS, whether or not they negotiate a protocol", async () => {
    await listen();
    expect(await ask()).toBe("seen");
    expect(await ask({ ALPNProtocols: ["http/1.1"] })).toBe("seen");
    expect(taken).toEqual(["http1 GET /", "http1 GET /"]);
  });

  it("agrees on HTTP/2 with whoever asks for it", async () => {
    await listen();
    const socket = client({ ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe("h2");
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const [settings] = (await once(socket, "data")) as [Buffer];
    expect(settings[3]).toBe(4);
  });

  it("tells who forgot to encrypt", async () => {
    await listen();
    const plain = connectPlain({ host: "127.0.0.1", port: port.port });
    clients.push(plain);
    plain.write("GET / HTTP/1.1\r\n\r\n");
    const [answer] = (await once(plain, "data")) as [Buffer];
    expect(answer.toString()).toContain("400 Bad Request");
    expect(answer.toString()).toContain("Client sent an HTTP request to an HTTPS server.");
    expect(taken).toEqual([]);
  });

  it("drops HTTP/2 in the clear without a word", async () => {
    await listen();
    const plain = connectPlain({ host: "127.0.0.1", port: port.port });
    clients.push(plain);
    plain.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const received: Buffer[] = [];
    plain.on("data", (chunk) => received.push(chunk));
    await once(plain, "close");
    expect(received).toEqual([]);
  });

  it("lets only clients in whose certificate the authority has signed, and not revoked", async () => {
    await listen({
      trustedCaFile: testCertificate("authority"),
      clientCrlFile: testCertificate("revocations"),
    });
    const as = (name: "client" | "intruder" | "revoked"): ConnectionOptions => ({
      cert: readFileSync(testCertificate(name)),
      key: readFileSync(testKey(name)),
    });
    expect(await ask(as("client"))).toBe("seen");
    for (const refused of [{}, as("intruder"), as("revoked")]) expect(await ask(refused)).not.toBe("seen");
    expect(taken).toHaveLength(1);
  });

  it("speaks no older TLS than it is told", async () => {
    await listen({ tlsMinVersion: "TLS1.3" });
    expect(await ask({ maxVersion: "TLSv1.2" })).toBe("EPROTO");
    expect(await ask()).toBe("seen");
  });

  it("speaks TLS 1.2 only with the suites it is told", async () => {
    await listen({ cipherSuites: ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"] });
    const socket = client({ maxVersion: "TLSv1.2" });
    await once(socket, "secureConnect");
    expect(socket.getCipher().standardName).toBe("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    expect(await ask({ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).toBe("EPROTO");
  });

  it("says which certificate is of no use", async () => {
    const broken = listen({ keyFile: testKey("client") });
    await expect(broken).rejects.toThrow(TlsFilesError);
    await expect(broken).rejects.toThrow(`Cannot use the certificate ${testCertificate("server")}: `);
    await listen();
  });
});

describe("replaced certificates", () => {
  let folder: string;
  let now = 0;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-tls-"));
    install("server");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const files = (): { cert: string; key: string } => ({
    cert: join(folder, "cert"),
    key: join(folder, "key"),
  });
  let installed = 0;
  function install(name: "server" | "replacement"): void {
    copyFileSync(testCertificate(name), files().cert);
    copyFileSync(testKey(name), files().key);
    installed += 1;
    for (const path of Object.values(files())) utimesSync(path, installed, installed);
  }

  it("are read once they have changed, and it is looked once per second", () => {
    const watch = new TlsFileWatch(files(), () => now);
    now += 1000;
    expect(watch.changed()).toBeUndefined();
    install("replacement");
    now += 999;
    expect(watch.changed()).toBeUndefined();
    now += 1;
    expect(watch.changed()?.cert).toEqual(readFileSync(testCertificate("replacement")));
    now += 1000;
    expect(watch.changed()).toBeUndefined();
  });

  it("are shown to the next client, and those of no use are not", async () => {
    const told: (Error | undefined)[] = [];
    const { minVersion, maxVersion } = tlsOptionsOf(SETTINGS)!;
    const tls = new TlsTermination(
      { files: files(), clientCertificates: false, minVersion, maxVersion },
      { now: () => now, opened: (socket) => void socket.end(), reloaded: (error) => told.push(error) },
    );
    const server = createServer((socket) => tls.take(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const shown = async (): Promise<string | undefined> => {
      now += 1000;
      const { port } = server.address() as AddressInfo;
      const socket = connect({ host: "127.0.0.1", port, ca });
      await once(socket, "secureConnect");
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    };
    expect(await shown()).toBe("server");
    install("replacement");
    expect(await shown()).toBe("replacement");
    expect(told).toEqual([undefined]);
    writeFileSync(files().key, "nonsense");
    expect(await shown()).toBe("replacement");
    expect(told[1]).toBeInstanceOf(TlsFilesError);
    server.close();
  });

  it("are reported once when they are of no use, until there are others", () => {
    const watch = new TlsFileWatch(files(), () => now);
    writeFileSync(files().cert, "half a certifi");
    now += 1000;
    expect(() => watch.changed()).toThrow(TlsFilesError);
    now += 1000;
    expect(watch.changed()).toBeUndefined();
    install("replacement");
    now += 1000;
    expect(watch.changed()).toBeDefined();
  });
});

describe("checkTlsSettings", () => {
  it.each<[Partial<TlsSettings>, string[], string]>([
    [{ keyFile: undefined }, [], "--cert-file and --key-file need each other"],
    [{ certFile: undefined, keyFile: undefined }, ["https://a:1"], "needs --cert-file and --key-file"],
    [{ clientCertAuth: true }, [], "--client-cert-auth needs --trusted-ca-file"],
    [{ clientCrlFile: "x" }, [], "--client-crl-file needs --trusted-ca-file"],
    [{ tlsMinVersion: "TLS1.3", tlsMaxVersion: "TLS1.2" }, [], "above --tls-max-version"],
  ])("names what %j lacks", (settings, urls, problem) => {
    expect(checkTlsSettings({ ...SETTINGS, ...settings }, urls)).toEqual([expect.stringContaining(problem)]);
  });

  it("has nothing against a plain port, or a whole set of files", () => {
    expect(
      checkTlsSettings({ ...SETTINGS, certFile: undefined, keyFile: undefined }, ["http://a:1"]),
    ).toEqual([]);
    expect(
      checkTlsSettings({ ...SETTINGS, trustedCaFile: "x", clientCertAuth: true }, ["https://a:1"]),
    ).toEqual([]);
  });
});
