import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testCertificate, testKey } from "@quorate/testing";
import { checkCertificate } from "./certificates";
import type { PlannedCertificate } from "./check-plan";

const DAY_MS = 86_400_000;

// The certificate is for localhost and its addresses, signed by "authority", and valid for a hundred years.
describe("checkCertificate", () => {
  let folder: string;
  let sound: PlannedCertificate;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-check-"));
    const key = join(folder, "server.key");
    copyFileSync(testKey("server"), key);
    chmodSync(key, 0o600);
    sound = {
      flag: "--cert-file",
      cert: testCertificate("server"),
      key,
      trustedCa: testCertificate("authority"),
      hosts: ["localhost", "127.0.0.1", "::1"],
      isSignedByTrusted: true,
    };
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function found(changes: Partial<PlannedCertificate>, nowMs = Date.now()): string[] {
    return checkCertificate({ ...sound, ...changes }, nowMs).map(({ state, text }) => `${state}: ${text}`);
  }

  it("takes one that is for all hosts that are advertised, and was signed by whom others trust", () => {
    expect(found({})).toEqual([
      expect.stringMatching(/^ok: .* is valid until \d{4}-\d\d-\d\d, and has its key$/),
    ]);
  });

  it.each<[string, Partial<PlannedCertificate>, RegExp]>([
    ["another's key", { key: testKey("client") }, /error: the key in .* is not that of the certificate/],
    [
      "another host",
      { hosts: ["10.0.0.1"] },
      /error: 10\.0\.0\.1 is advertised, and the certificate is for DNS:localhost/,
    ],
    ["files that are not there", { cert: "/none.pem" }, /error: .*ENOENT/],
    ["a key in its place", { cert: testKey("server") }, /error: .* has no certificate in it/],
    [
      "a stranger's signature",
      { cert: testCertificate("intruder"), key: testKey("intruder"), hosts: [] },
      /error: the certificate is not signed by .* turn this one away/,
    ],
  ])("refuses %s", (_what, changes, text) => {
    expect(found(changes).join("\n")).toMatch(text);
  });

  it("only warns where clients may trust somebody else than their own certificates' authority", () => {
    const changes = {
      cert: testCertificate("intruder"),
      key: testKey("intruder"),
      hosts: [],
      isSignedByTrusted: false,
    };
    expect(found(changes).join("\n")).toMatch(/^warning: the certificate is not signed by/m);
  });

  it("refuses what has expired, or is not valid yet, and warns a month ahead", () => {
    const until = Date.parse("2200-01-01");
    expect(found({}, until).join()).toMatch(/error: CN=server has expired/);
    expect(found({}, 0).join()).toMatch(/error: CN=server is not valid before/);
    const expiry = Date.parse(/has expired on (.*?GMT)/.exec(found({}, until).join())![1]!);
    expect(found({}, expiry - 3.5 * DAY_MS).join()).toMatch(/warning: CN=server expires in 3 days/);
  });

  it("warns of a key that others can read", () => {
    chmodSync(sound.key, 0o644);
    expect(found({}).join()).toMatch(/warning: .* can be read by other users/);
    chmodSync(sound.key, 0o600);
  });
});
