import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

import { prefix, QuorateClient } from "@quorate/client";

import { etcdctl } from "../compatibility/etcdctl-script";
import { CapturedOutput, killAndWait, run } from "../harness/child-process";
import { findProgram } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { QuorateCluster } from "../harness/quorate-cluster";
import { nodeExecutable, serviceMain } from "../harness/repository";

const WITHIN_MS = 20_000;

interface Printed {
  readonly stdout: string;
  readonly exitCode: number | null;
}

/** A command that goes on until told, and what it has printed. */
class Running implements AsyncDisposable {
  readonly output: CapturedOutput;

  constructor(readonly child: ChildProcess) {
    this.output = new CapturedOutput(child);
  }

  async untilPrinted(text: string): Promise<void> {
    const printed = (): boolean => this.output.stdout.includes(text);
    await eventually(`"${text}" to be printed`, { withinMs: WITHIN_MS }, printed);
  }

  /** Its exit code, once all that it printed was read. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.child, "close");
    if (signal !== undefined) this.child.kill(signal);
    const [exitCode] = (await closed) as [number | null];
    return exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killAndWait(this.child);
  }
}

describe("the command line on a cluster", () => {
  let cluster: QuorateCluster;
  let client: QuorateClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 1 });
    client = await QuorateClient.connect({ servers: cluster.brokerUrl, cluster: cluster.name });
  }, 60_000);

  afterAll(async () => {
    await client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  /** Flags of the command itself stand before `--`. */
  function argumentsOf(args: readonly string[]): string[] {
    const [name, ...rest] = args;
    const place = [name!, "--data-dir", cluster.dataDir];
    const nested = name === "lease" ? [name, rest.shift()!, "--data-dir", cluster.dataDir] : place;
    return [serviceMain("quorate"), ...nested, ...rest];
  }

  function quorate(args: readonly string[], input = ""): Promise<Printed & { readonly stderr: string }> {
    return run(nodeExecutable, argumentsOf(args), { input, timeoutMs: WITHIN_MS });
  }

  function start(...args: readonly string[]): Running {
    return new Running(spawn(nodeExecutable, argumentsOf(args), { stdio: ["ignore", "pipe", "pipe"] }));
  }

  function untilInLine(name: string, count: number): Promise<unknown> {
    return eventually(`${count} to be in line for ${name}`, { withinMs: WITHIN_MS }, async () => {
      return (await client.range(prefix(`${name}/`))).count === count;
    });
  }

  const whereEtcdctlIs = findProgram("etcdctl") === undefined ? it.skip : it;

  whereEtcdctlIs(
    "prints what etcdctl prints",
    async () => {
      const lease = (await quorate(["lease", "grant", "6000"])).stdout.split(" ")[1]!;
      const transaction = 'mod("b") > "0"\n\nput a 4\nget a\ndel none\n\nget a\n\n';
      const script: readonly { readonly args: readonly string[]; readonly input?: string }[] = [
        { args: ["put", "a", "2"] },
        { args: ["put", "a", "2", "--prev-kv"] },
        { args: ["put", "a", "2", "--prev-kv", "-w", "json"] },
        { args: ["put", "b", "3", `--lease=${lease}`, "-w", "fields"] },
        { args: ["get", "b"] },
        { args: ["get", "b", "-w", "json"] },
        { args: ["get", "", "--prefix", "-w", "fields"] },
        { args: ["get", "none", "-w", "json"] },
        { args: ["get", "a", "--prefix", "--keys-only", "-w", "json"] },
        { args: ["get", "", "--from-key", "--limit=1", "-w", "json"] },
        { args: ["txn"], input: transaction },
        { args: ["txn", "-w", "json"], input: transaction },
        { args: ["txn", "-w", "fields"], input: transaction },
        { args: ["del", "none", "-w", "json"] },
        { args: ["lease", "timetolive", lease, "--keys"] },
        { args: ["lease", "list"] },
        { args: ["lease", "keep-alive", "--once", lease] },
        { args: ["lease", "timetolive", "77"] },
      ];
      for (const { args, input } of script) {
        const [title, text] = [args.join(" "), input ?? ""];
        const { stdout, exitCode } = await etcdctl(cluster.address(), { args, input: text });
        const own = await quorate(args, text);
        expect({ title, stdout: comparable(own.stdout), exitCode: own.exitCode }).toEqual({
          title,
          stdout: comparable(stdout),
          exitCode,
        });
      }
      expect((await quorate(["lease", "revoke", lease])).stdout).toBe(`lease ${lease} revoked\n`);
      expect((await quorate(["compact", "3", "--physical"])).stdout).toBe("compacted revision 3\n");
      expect(await quorate(["get", "a", "--rev=2"])).toEqual(
        expect.objectContaining({
          exitCode: 1,
          stderr: "Error: OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted\n",
        }),
      );
    },
    120_000,
  );

  it("runs a command under a lock, with the key in its environment, and passes its exit code on", async () => {
    const script = 'echo "$ETCD_LOCK_KEY $ETCD_LOCK_REV $QUORATE_FENCING_TOKEN"; exit 7';
    const { stdout, exitCode } = await quorate(["lock", "build", "--", "sh", "-c", script]);
    expect(exitCode).toBe(7);
    const [, revision, token] = /^build\/[0-9a-f]{1,16} (\d+) (\d+)$/.exec(stdout.trim())!;
    expect(Number(token)).toBeGreaterThan(1);
    expect(Number(revision)).toBeGreaterThanOrEqual(Number(token));
    await untilInLine("build", 0);
    const missing = await quorate(["lock", "build", "--", "no-such-program"]);
    expect([missing.exitCode, missing.stderr]).toEqual([
      1,
      "Error: Cannot run no-such-program: spawn no-such-program ENOENT\n",
    ]);
    await untilInLine("build", 0);
  }, 60_000);

  it("holds a lock until it is interrupted; who waits and is interrupted leaves the line", async () => {
    await using holder = start("lock", "held");
    await holder.untilPrinted("held/");
    await using waiter = start("lock", "held");
    await untilInLine("held", 2);
    expect(await waiter.end("SIGTERM")).toBe(143);
    await untilInLine("held", 1);
    expect(await holder.end("SIGINT")).toBe(0);
    expect(holder.output.stdout).toMatch(/^held\/[0-9a-f]{1,16}\n\n$/);
    await untilInLine("held", 0);
  }, 60_000);

  it("hands signals on to the command, and ends it when the lock is lost", async () => {
    const stubborn = 'trap "echo asked; exit 3" TERM; echo begun; while :; do sleep 0.1; done';
    await using asked = start("lock", "work", "--", "sh", "-c", stubborn);
    await asked.untilPrinted("begun");
    expect(await asked.end("SIGTERM")).toBe(3);
    await untilInLine("work", 0);

    await using robbed = start("lock", "work", "--", "sh", "-c", stubborn);
    await robbed.untilPrinted("begun");
    await client.deleteRange(prefix("work/"));
    expect(await robbed.end()).toBe(1);
    expect(robbed.output.stdout).toBe("begun\nasked\n");
    expect(robbed.output.stderr).toMatch(/^Error: Lost work\/[0-9a-f]+: its key was deleted\n$/);
  }, 60_000);

  it("leads until it is interrupted, and tells who listens", async () => {
    await using listener = start("elect", "head", "--listen");
    await using first = start("elect", "head", "one");
    await first.untilPrinted("one\n");
    await listener.untilPrinted("one\n");
    await using second = start("elect", "head", "two");
    await untilInLine("head", 2);
    expect(await first.end("SIGINT")).toBe(0);
    await second.untilPrinted("two\n");
    await listener.untilPrinted("two\n");
    expect(await second.end("SIGINT")).toBe(0);
    expect(await listener.end("SIGINT")).toBe(0);
    expect(listener.output.stdout).toMatch(/^head\/[0-9a-f]+\none\nhead\/[0-9a-f]+\ntwo\n$/);
    const wrong = await quorate(["elect", "head"]);
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      2,
      "Error: elect takes either a value to campaign with, or --listen.\n",
    ]);
  }, 60_000);
});

/** Both programs run every line, so revisions, versions and the age of a lease move on in between. */
function comparable(text: string): string {
  return text
    .replace(
      /"(cluster_id|member_id|raft_term|revision|mod_revision|create_revision|version)":\d+/g,
      '"$1":N',
    )
    .replace(/"\w*(ClusterID|MemberID|RaftTerm|Revision|Version)" : \d+/g, '"$1" : N')
    .replace(/remaining\(\d+s\)/, "remaining(N)");
}
