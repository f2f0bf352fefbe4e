import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { CapturedOutput, killAndWait, run } from "../../harness/child-process";
import { eventually } from "../../harness/eventually";
import { HttpCaller } from "../../harness/http-caller";
import { freePorts } from "../../harness/ports";
import { nodeExecutable, serviceMain } from "../../harness/repository";
import { temporaryFolder, type TemporaryFolder } from "../../harness/temporary-folder";
import { renderChart } from "./render-chart";

const WITHIN_MS = 60_000;
/** What a member ends with whose directory cannot be used. */
const DATA_DIRECTORY = 73;
const PORTS = ["2379", "2380", "2381", "4222"] as const;

interface Pod {
  readonly child: ChildProcess;
  readonly output: CapturedOutput;
}

/** The chart's pods as processes on this machine: with the files that it gives them, but for addresses and the data directory. */
class LocalPods implements AsyncDisposable {
  readonly #running = new Map<number, Pod>();

  private constructor(
    private readonly folder: TemporaryFolder,
    private readonly files: readonly string[],
    private readonly ports: readonly number[],
  ) {}

  static async plan(replicas: number): Promise<LocalPods> {
    const settings = renderChart({ tls: { insecure: true }, members: { replicas } }).find(
      ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "demo-quorate-members",
    )!.data!;
    const folder = await temporaryFolder("chart-members");
    return new LocalPods(folder, Object.values(settings), await freePorts(replicas * PORTS.length));
  }

  /** Of this machine, for the port of a pod. */
  port(ordinal: number, port: (typeof PORTS)[number]): number {
    return this.ports[ordinal * PORTS.length + PORTS.indexOf(port)]!;
  }

  peerUrl(ordinal: number): string {
    return `http://127.0.0.1:${this.port(ordinal, "2380")}`;
  }

  start(ordinal: number): void {
    const text = this.files[ordinal]!.replace(
      /demo-quorate-(\d+)\.demo-quorate-peers\.store\.svc:(\d+)/g,
      (_, of, port) => `127.0.0.1:${this.port(Number(of), port as "2380")}`,
    )
      .replace(/0\.0\.0\.0:(\d+)/g, (_, port) => `127.0.0.1:${this.port(ordinal, port as "2380")}`)
      .replace("/data/quorate", this.#dataDir(ordinal));
    const path = join(this.folder.path, `demo-quorate-${ordinal}.yaml`);
    writeFileSync(path, `${text}\nlisten-nats-url: nats://127.0.0.1:${this.port(ordinal, "4222")}\n`);
    const args = [serviceMain("quorate"), "member", `--config-file=${path}`];
    const child = spawn(nodeExecutable, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#running.set(ordinal, { child, output: new CapturedOutput(child) });
  }

  async loseWithVolume(ordinal: number): Promise<void> {
    await killAndWait(this.#running.get(ordinal)!.child);
    await rm(this.#dataDir(ordinal), { recursive: true });
  }

  /** Waits for it. @returns The exit code, and what it has logged. */
  async ended(ordinal: number): Promise<readonly [code: number | null, log: string]> {
    const { child, output } = this.#running.get(ordinal)!;
    await eventually("the member to end", { withinMs: WITHIN_MS }, () => child.exitCode !== null);
    return [child.exitCode, output.stdout];
  }

  async ready(ordinal: number): Promise<void> {
    const probes = new HttpCaller(`127.0.0.1:${this.port(ordinal, "2381")}`);
    await eventually(`member ${ordinal} to be ready`, { withinMs: WITHIN_MS }, async () => {
      return (await probes.get("/readyz")).status === 200;
    });
  }

  /** As `kubectl exec demo-quorate-0 -- quorate … --broker-credentials=/data/quorate/broker/admin.nkey`. */
  async quorate(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await run(nodeExecutable, [serviceMain("quorate"), ...args], {
      timeoutMs: 20_000,
      environment: {
        QUORATE_CLUSTER: "quorate",
        QUORATE_NATS_URL: `nats://127.0.0.1:${this.port(0, "4222")}`,
        QUORATE_BROKER_CREDENTIALS: join(this.#dataDir(0), "broker", "admin.nkey"),
      },
    });
    if (exitCode !== 0) throw new Error(`quorate ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  async idOf(ordinal: number): Promise<string> {
    const list = await this.quorate("member", "list");
    const line = list.split("\n").find((each) => each.includes(this.peerUrl(ordinal)));
    return line!.split(",")[0]!;
  }

  async announce(ordinal: number): Promise<void> {
    await eventually("the cluster to take one more", { withinMs: WITHIN_MS }, async () => {
      const added = ["--learner", "--peer-urls", this.peerUrl(ordinal)];
      await this.quorate("member", "add", `demo-quorate-${ordinal}`, ...added);
      return true;
    });
  }

  async promote(ordinal: number): Promise<void> {
    const id = await this.idOf(ordinal);
    await eventually("the learner to be promoted", { withinMs: WITHIN_MS }, async () => {
      await this.quorate("member", "promote", id);
      return true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ child }) => killAndWait(child)));
    await this.folder[Symbol.asyncDispose]();
  }

  #dataDir(ordinal: number): string {
    return join(this.folder.path, `data-${ordinal}`);
  }
}

// Goal: the chart's page tells the truth about its pods. Method: its steps, on processes that are told what the chart tells the pods.
describe("the members of the chart, as processes,", () => {
  it("found a cluster; one that loses its volume is refused until it is replaced; and one is added", async () => {
    await using pods = await LocalPods.plan(4);
    for (const founder of [0, 1, 2]) pods.start(founder);
    for (const founder of [0, 1, 2]) await pods.ready(founder);
    await pods.quorate("put", "kept", "yes");

    await pods.loseWithVolume(1);
    pods.start(1);
    const [code, log] = await pods.ended(1);
    expect(code).toBe(DATA_DIRECTORY);
    expect(log).toContain("has run before, and has voted and acknowledged what is now lost");

    await pods.quorate("member", "remove", await pods.idOf(1));
    await pods.announce(1);
    await pods.loseWithVolume(1);
    pods.start(1);
    await pods.promote(1);
    await pods.ready(1);

    await pods.announce(3);
    pods.start(3);
    await pods.promote(3);
    await pods.ready(3);
    const reader = new HttpCaller(`127.0.0.1:${pods.port(3, "2379")}`);
    const { json } = await reader.post("/v3/kv/range", { key: Buffer.from("kept").toString("base64") });
    expect(json).toMatchObject({ kvs: [{ value: Buffer.from("yes").toString("base64") }] });
    expect((await pods.quorate("member", "list")).trim().split("\n")).toHaveLength(4);
  }, 240_000);
});
