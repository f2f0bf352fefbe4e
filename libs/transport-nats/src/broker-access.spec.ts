import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokerAccess, loginOf, newBrokerCredentials, publicKeyIn } from "./broker-access";
import { BrokerAccessError } from "./errors";

describe("brokerAccess", () => {
  let folder: string;
  const { seed, publicKey } = newBrokerCredentials();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-access-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function file(name: string, content: string, mode = 0o600): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  }

  it("is nobody without credentials", () => {
    expect(brokerAccess({ natsUrl: ["nats://a:1"] })).toEqual({ servers: ["nats://a:1"], login: undefined });
  });

  it("signs with the key in a file, and is known by its beginning", () => {
    const path = file("one", `${seed}\n`);
    const { login, authenticator } = brokerAccess({ natsUrl: ["a:1"], brokerCredentials: path });
    expect(login).toBe(loginOf(publicKey));
    expect(authenticator!("x")).toMatchObject({ nkey: publicKey, sig: expect.any(String) as string });
    expect(publicKeyIn(path)).toBe(publicKey);
  });

  it("takes what nsc writes, token and key", () => {
    const text = `-----BEGIN NATS USER JWT-----\nthe.jwt\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
    const { authenticator } = brokerAccess({ natsUrl: ["a:1"], brokerCredentials: file("creds", text) });
    expect(authenticator!("x")).toMatchObject({ nkey: publicKey, jwt: "the.jwt" });
  });

  it("takes user and password out of the URL, which is shown to people", () => {
    expect(brokerAccess({ natsUrl: ["nats://app:p%40ss@a:1", "tls://app:p%40ss@b:2"] })).toEqual({
      servers: ["nats://a:1", "tls://b:2"],
      user: "app",
      pass: "p@ss",
      login: "app",
    });
  });

  it.each([
    ["a file that is not there", () => ({ brokerCredentials: join(folder, "none") }), /Cannot read/],
    [
      "one that everybody may read",
      () => ({ brokerCredentials: file("open", seed, 0o644) }),
      /Everybody may read/,
    ],
    [
      "another kind of secret",
      () => ({ brokerCredentials: file("other", "hunter2") }),
      /holds no credentials/,
    ],
    ["users that differ", () => ({ natsUrl: ["u:p@a:1", "b:2"] }), /same user and password/],
    [
      "two ways to log in",
      () => ({ natsUrl: ["u:p@a:1"], brokerCredentials: file("two", seed) }),
      /not both/,
    ],
    ["a certificate without its key", () => ({ brokerCertFile: file("cert", "x") }), /need each other/],
    ["a user that is no token", () => ({ natsUrl: ["a.b:p@a:1"] }), /letters, digits/],
  ])("refuses %s", (_, settings, message) => {
    const attempt = (): unknown => brokerAccess({ natsUrl: ["nats://a:1"], ...settings() });
    expect(attempt).toThrow(BrokerAccessError);
    expect(attempt).toThrow(message);
  });

  it("tells no secret when it refuses one", () => {
    const damaged = `${seed.slice(0, -1)}${seed.endsWith("A") ? "B" : "A"}`;
    const attempt = (): unknown =>
      brokerAccess({ natsUrl: ["a:1"], brokerCredentials: file("bad", damaged) });
    expect(attempt).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(seed.slice(2, 20)) as string }),
    );
  });
});
