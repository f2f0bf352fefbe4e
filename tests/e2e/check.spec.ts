import { testCertificate, testKey } from "@quorate/testing";

import { run, type Finished } from "../harness/child-process";
import { eventually } from "../harness/eventually";
import { HttpCaller } from "../harness/http-caller";
import { MemberCluster } from "../harness/member-cluster";
import { nodeExecutable, serviceMain } from "../harness/repository";

interface Finding {
  readonly subject: string;
  readonly state: string;
  readonly text: string;
  readonly remedy?: string;
}

// Goal: what `quorate check` says of a command line is what that command line does.
// Method: a member that is described, checked, started, and checked again.
describe("quorate check", () => {
  let members: MemberCluster;

  beforeAll(async () => {
    members = await MemberCluster.plan({ members: 1 });
  });

  afterAll(async () => {
    await members?.[Symbol.asyncDispose]();
  }, 30_000);

  function check(...words: readonly string[]): Promise<Finished> {
    return run(nodeExecutable, [serviceMain("quorate"), "check", "--sync-ms=50", ...words], {
      timeoutMs: 60_000,
    });
  }

  async function findings(
    ...words: readonly string[]
  ): Promise<{ exitCode: number | null; found: Finding[] }> {
    const { exitCode, stdout } = await check("-o", "json", ...words);
    return { exitCode, found: (JSON.parse(stdout) as { findings: Finding[] }).findings };
  }

  const flags = (): readonly string[] => members.plans[0]!.flags;
  const of = (found: readonly Finding[], subject: string): Finding =>
    found.find((finding) => finding.subject === subject)!;

  it("finds nothing in the way of a member that can be started, and changes nothing", async () => {
    const { exitCode, found } = await findings("member", ...flags());
    expect(found.filter(({ state }) => state === "error")).toEqual([]);
    expect(exitCode).toBe(0);
    const subjects = found.map(({ subject }) => subject);
    expect(subjects).toEqual(
      expect.arrayContaining([
        ...["options", "node", "processor", "nats-server", "open files", "data directory", "file system"],
        ...[
          "free space",
          "sync latency",
          "--listen-client-urls",
          "--listen-peer-urls",
          "--listen-nats-url",
          "members",
        ],
      ]),
    );
    expect(of(found, "data directory").text).toContain("will be made");
  }, 60_000);

  it("sees that it runs, and says so in place of an error", async () => {
    const [{ name, address }] = members.plans as [(typeof members.plans)[0]];
    members.start(name);
    await eventually(`${name} to be ready`, { withinMs: 60_000 }, async () => {
      return (await new HttpCaller(address).get("/readyz")).status === 200;
    });
    const { exitCode, found } = await findings("member", ...flags());
    expect(of(found, "data directory").text).toContain(`is that of ${name}, which has run`);
    expect(of(found, "--listen-client-urls")).toMatchObject({
      state: "warning",
      text: expect.stringContaining("this member runs already") as string,
    });
    expect(of(found, `clock of http://${address}`).state).toBe("ok");
    expect(exitCode).toBe(0);

    const other = await findings("member", ...flags(), "--initial-cluster-token", "other");
    expect(of(other.found, "data directory").text).toContain("belongs to a member of the cluster stacked");
    expect(other.exitCode).toBe(1);
  }, 120_000);

  it("holds certificates against the addresses that are advertised, and counts the members", async () => {
    const { exitCode, found } = await findings(
      ...["member", "--name=m1", "--listen-client-urls=https://127.0.0.1:0"],
      ...["--advertise-client-urls=https://10.0.0.1:2379", "--listen-nats-url=nats://127.0.0.1:0"],
      ...["--listen-peer-urls=http://127.0.0.1:0", "--initial-advertise-peer-urls=http://127.0.0.1:1"],
      "--initial-cluster=m1=http://127.0.0.1:1,m2=http://127.0.0.1:2",
      ...[
        `--cert-file=${testCertificate("server")}`,
        `--key-file=${testKey("server")}`,
        "--snapshot-count=5",
      ],
    );
    expect(exitCode).toBe(1);
    expect(of(found, "--cert-file")).toMatchObject({
      state: "error",
      text: expect.stringContaining("10.0.0.1") as string,
    });
    expect(of(found, "members")).toMatchObject({ state: "warning", remedy: "Run 1 or 3." });
    expect(of(found, "other members").text).toContain("none answers yet");
    expect(found.map(({ text }) => text).join()).toContain("--snapshot-count has no effect");
  }, 60_000);

  it("looks at the other processes by their own flags", async () => {
    const gateway = await findings(
      "kv-gateway",
      "--listen-client-url=http://127.0.0.1:0",
      "--nats-url=nats://127.0.0.1:1",
    );
    expect(of(gateway.found, "broker nats://127.0.0.1:1").state).toBe("error");
    expect(gateway.exitCode).toBe(1);
    const node = await check("raft-node", "--name=n1");
    expect(node.exitCode).toBe(2);
    expect(node.stderr).toContain("--member-id");
    const { stdout } = await check("watch-fanout", "--listen-metrics-url=http://127.0.0.1:0");
    expect(stdout).toMatch(/--listen-metrics-url\s+│ ok/);
  }, 60_000);

  it("ends with 2 where the options are wrong already", async () => {
    const { exitCode, stderr } = await check("member", "--no-such-flag");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--no-such-flag");
    expect((await check("-o", "yaml")).exitCode).toBe(2);
  }, 60_000);
});
