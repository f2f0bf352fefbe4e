import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { freePort, startNatsServer, type NatsServer } from "@quorate/testing";

import { killAndWait } from "../harness/child-process";
import { eventually } from "../harness/eventually";
import { HttpCaller } from "../harness/http-caller";
import { nodeExecutable, serviceMain } from "../harness/repository";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";

const WITHIN_MS = 40_000;
const FOUNDERS = "n1=a1,n2=a2,n3=a3";

// Goal: whoever looks after a process by its probes is told the truth: before there is a broker, before there is a leader, when it works,
// when the broker is gone, and when it ends. A probe of liveness never asks for a restart that would not help.
// Method: the processes of an external topology, each with an address for its pages.
describe("the probes of real processes", () => {
  let folder: TemporaryFolder;
  let broker: NatsServer | undefined;
  let natsPort: number;
  const processes = new Map<string, { readonly child: ChildProcess; readonly pages: HttpCaller }>();

  beforeAll(async () => {
    folder = await temporaryFolder("readiness");
    natsPort = await freePort();
  });

  afterAll(async () => {
    for (const { child } of processes.values()) await killAndWait(child);
    await broker?.stop();
    await folder[Symbol.asyncDispose]();
  }, 30_000);

  async function start(service: string, name: string, more: readonly string[]): Promise<void> {
    const address = `127.0.0.1:${await freePort()}`;
    const common = ["--name", name, "--cluster", "probed", "--nats-url", `nats://127.0.0.1:${natsPort}`];
    const args = [serviceMain(service), ...common, "--listen-metrics-url", `http://${address}`, ...more];
    const child = spawn(nodeExecutable, args, { stdio: "ignore" });
    processes.set(name, { child, pages: new HttpCaller(address) });
  }

  function startNode(name: string): Promise<void> {
    return start("raft-node", name, [
      ...["--member-id", name.replace("n", "a"), "--cluster-id", "c1", "--data-dir", join(folder.path, name)],
      ...["--initial-cluster", FOUNDERS, "--initial-cluster-state", "new", "--ballast-bytes", "0"],
    ]);
  }

  /** Waits until a process is as unready as `faults` says, or ready; and alive, whatever it is. */
  async function shows(name: string, fault: RegExp | "ready"): Promise<void> {
    const { pages } = processes.get(name)!;
    let last = "";
    await eventually(`${name} to show ${String(fault)}`, { withinMs: WITHIN_MS, everyMs: 100 }, async () => {
      const { status, text } = await pages.get("/readyz");
      last = `${status} ${text}`;
      return fault === "ready" ? status === 200 : status === 503 && fault.test(text);
    }).catch((error: unknown) => {
      throw new Error(`${name} shows ${last}`, { cause: error });
    });
    expect(await pages.get("/livez")).toMatchObject({ status: 200, text: "ok\n" });
  }

  it("answer while there is no broker yet", async () => {
    await startNode("n1");
    await shows("n1", /^\[-\]broker_connection failed: this process is starting$/m);
    await start("watch-fanout", "f1", []);
    await shows("f1", /^\[-\]broker_connection failed: no connection to a broker$/m);
  }, 60_000);

  it("say what is missing until there is a majority, and are ready then", async () => {
    broker = await startNatsServer({ port: natsPort });
    await shows(
      "n1",
      /^\[\+\]broker_connection ok\n\[\+\]serving ok\n\[-\]caught_up failed: no leader is known$/m,
    );
    await startNode("n2");
    await startNode("n3");
    for (const name of ["n1", "n2", "n3", "f1"]) await shows(name, "ready");
    await start("kv-gateway", "g1", ["--listen-client-url", `http://127.0.0.1:${await freePort()}`]);
    await eventually("the gateway to be there", { withinMs: WITHIN_MS }, async () => {
      return (await processes.get("g1")!.pages.get("/livez")).status === 200;
    });
    await shows("g1", "ready");
  }, 120_000);

  it("are alive, and not ready, while the broker is gone, and ready again when it is back", async () => {
    await broker?.stop();
    for (const name of processes.keys())
      await shows(name, /^\[-\]broker_connection failed: no connection to a broker$/m);
    broker = await startNatsServer({ port: natsPort });
    for (const name of processes.keys()) await shows(name, "ready");
  }, 120_000);

  it("are not ready from the moment at which a process is asked to end", async () => {
    const { child, pages } = processes.get("g1")!;
    const ended = new Promise<number | null>((resolve) => void child.once("exit", resolve));
    child.kill("SIGTERM");
    await eventually("the gateway to say so", { withinMs: WITHIN_MS, everyMs: 10 }, async () => {
      const { status, text } = await pages.get("/readyz?verbose");
      return (
        status === 503 && text.includes("[-]not_stopping failed") && text.includes("[+]linearizable_read ok")
      );
    });
    expect(await ended).toBe(0);
  }, 60_000);
});
