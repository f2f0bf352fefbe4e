import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import { operation, QuorateClient, type KeyValue } from "@quorate/client";

import { CapturedOutput, killAndWait } from "../harness/child-process";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { nodeExecutable, repositoryRoot } from "../harness/repository";
import { Controller } from "./controller/controller";
import { RecordedHistory, violationsOf } from "./controller/controller-history";
import {
  deploymentKey,
  podKey,
  podsFrom,
  statusKey,
  type Deployment,
  type Pod,
  type Status,
} from "./controller/model";

const convergeMaxMs = 30_000;
const main = join(repositoryRoot, "tests", "dist", "e2e", "controller", "main.js");

/** A controller in a process of its own. Every start has another name, so that what it wrote can be told apart. */
class ControllerProcess {
  readonly #child: ChildProcess;
  readonly output: CapturedOutput;

  constructor(
    readonly name: string,
    cluster: QuorateCluster,
  ) {
    const options = ["--servers", cluster.brokerUrl, "--cluster", cluster.name, "--name", name];
    this.#child = spawn(nodeExecutable, [main, ...options], { stdio: ["ignore", "pipe", "pipe"] });
    this.output = new CapturedOutput(this.#child);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    return killAndWait(this.#child, signal);
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }
}

// Goal: what is declared becomes true and stays so, whoever dies; on the way there are never too many pods, and nobody writes
// who does not lead. Method: two controllers as processes; a watch records everything, and is judged at the end.
describe("two competing controllers over a cluster of real processes", () => {
  let cluster: QuorateCluster;
  let client: QuorateClient;
  let history: RecordedHistory;
  const controllers = new Map<string, ControllerProcess>();

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3 });
    client = await QuorateClient.connect({ servers: cluster.brokerUrl, cluster: cluster.name });
    history = await RecordedHistory.start(client);
    for (let count = 0; count < 2; count += 1) startController();
  }, 60_000);

  afterAll(async () => {
    for (const controller of controllers.values()) await controller.end("SIGKILL");
    await history?.[Symbol.asyncDispose]();
    await client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  function startController(): void {
    const controller = new ControllerProcess(`controller-${controllers.size + 1}`, cluster);
    controllers.set(controller.name, controller);
  }

  /** The controller that leads now. @param other Than this one. */
  function active(other?: ControllerProcess): Promise<ControllerProcess> {
    return eventually("a controller to lead", { withinMs: convergeMaxMs }, async () => {
      const name = (await client.election("controllers/deployments").leader())?.text;
      return name !== other?.name && controllers.get(name ?? "");
    });
  }

  async function declare(name: string, deployment: Deployment): Promise<void> {
    await client.put(deploymentKey(name), JSON.stringify(deployment), { timeoutMs: 20_000 });
  }

  /** All of a deployment at one revision. */
  async function look(
    name: string,
  ): Promise<{ declared?: KeyValue; status?: KeyValue; pods: readonly KeyValue[] }> {
    const { results } = await client
      .txn()
      .then(
        operation.get(deploymentKey(name)),
        operation.get(statusKey(name)),
        operation.range(podsFrom(name, 0)),
      )
      .commit();
    const [declared, status, pods] = results.map((result) =>
      result.kind === "range" ? result.keyValues : [],
    );
    return {
      ...(declared?.[0] === undefined ? {} : { declared: declared[0] }),
      ...(status?.[0] === undefined ? {} : { status: status[0] }),
      pods: pods ?? [],
    };
  }

  /** Exactly the declared pods, all running the declared image, and a status that says so of this very declaration. */
  async function converged(name: string): Promise<void> {
    await eventually(`${name} to be as declared`, { withinMs: convergeMaxMs }, async () => {
      const { declared, status, pods } = await look(name);
      const { replicas, image } = declared?.json() as Deployment;
      const places = Array.from({ length: replicas }, (_, place) => podKey(name, place));
      expect(pods.map(({ keyText }) => keyText)).toEqual(places);
      for (const pod of pods) expect(pod.json() as Pod).toMatchObject({ image, phase: "running" });
      const told = status?.json() as Status;
      expect(told).toMatchObject({ replicas, running: replicas, declaredAt: declared?.modRevision });
      return true;
    });
  }

  it("creates what is declared", async () => {
    await declare("web", { replicas: 3, image: "web:1" });
    await converged("web");
  }, 60_000);

  it("restores what was deleted, has failed, or was overwritten with nonsense, and removes what nobody asked for", async () => {
    await client.delete(podKey("web", 0));
    await client.put(podKey("web", 1), JSON.stringify({ image: "web:1", phase: "failed", by: "hand" }));
    await client.put(podKey("web", 2), "nonsense");
    await client.delete(statusKey("web"));
    await converged("web");
    await client.deleteRange(podsFrom("web", 0));
    await converged("web");
  }, 60_000);

  it("follows the declaration up, down, up again before it was down, and to another image", async () => {
    await declare("web", { replicas: 7, image: "web:1" });
    await converged("web");
    await declare("web", { replicas: 2, image: "web:1" });
    await declare("web", { replicas: 5, image: "web:1" });
    await converged("web");
    await declare("web", { replicas: 1, image: "web:2" });
    await client.delete(podKey("web", 0));
    await declare("web", { replicas: 4, image: "web:3" });
    await converged("web");
  }, 60_000);

  it("goes on with the other controller when the active one is killed at its work", async () => {
    const victim = await active();
    await declare("web", { replicas: 40, image: "web:3" });
    await eventually("the work to have begun", { withinMs: convergeMaxMs }, async () => {
      return (await look("web")).pods.length > 5;
    });
    await victim.end("SIGKILL");
    expect((await look("web")).pods.length).toBeLessThan(40);
    await converged("web");
    expect((await active()).name).not.toBe(victim.name);
    startController();
  }, 90_000);

  it("lets nobody write who was frozen, deposed, and woken at its work", async () => {
    const frozen = await active();
    await declare("web", { replicas: 80, image: "web:3" });
    await eventually("the work to have begun", { withinMs: convergeMaxMs }, async () => {
      return (await look("web")).pods.length > 45;
    });
    frozen.signal("SIGSTOP");
    expect((await look("web")).pods.length).toBeLessThan(80);
    await active(frozen);
    await declare("web", { replicas: 20, image: "web:4" });
    frozen.signal("SIGCONT");
    await converged("web");
    expect((await active()).name).not.toBe(frozen.name);
  }, 90_000);

  it("converges while the leader of the raft-nodes is killed, deployments side by side", async () => {
    const leader = await leaderOf(cluster, convergeMaxMs);
    await declare("web", { replicas: 3, image: "web:5" });
    await declare("api", { replicas: 12, image: "api:1" });
    await cluster.tell("kill", leader);
    await declare("web", { replicas: 6, image: "web:5" });
    await converged("web");
    await converged("api");
    await cluster.tell("start", leader);
  }, 90_000);

  it("leaves alone what belongs to a declaration that it cannot read, and removes what is declared no more", async () => {
    const before = (await look("web")).pods.map(({ modRevision }) => modRevision);
    await client.put(deploymentKey("web"), '{"replicas": "many"}');
    await client.delete(deploymentKey("api"));
    await eventually("all of api to be gone", { withinMs: convergeMaxMs }, async () => {
      const { pods, status } = await look("api");
      return pods.length === 0 && status === undefined;
    });
    expect((await look("web")).pods.map(({ modRevision }) => modRevision)).toEqual(before);
    await declare("web", { replicas: 3, image: "web:5" });
    await converged("web");
  }, 60_000);

  it("hands over at once when the active controller is asked to stop", async () => {
    const leaving = await active();
    await leaving.end("SIGTERM");
    expect(leaving.exitCode).toBe(0);
    await declare("web", { replicas: 4, image: "web:6" });
    await converged("web");
  }, 60_000);

  it("is refused by the store, not by its own clock, when it only believes to lead", async () => {
    for (const controller of controllers.values()) await controller.end("SIGTERM");
    const leadership = await client.election("controllers/deployments").campaign("controller-deposed");
    const { key, fencingToken, guard } = leadership;
    await leadership.resign();
    const mistaken = { key, fencingToken, guard, isHeld: true, lost: new AbortController().signal };
    const lines: string[] = [];
    const dependencies = { client, log: (line: string) => void lines.push(line) };
    await using controller = new Controller({ name: "controller-deposed" }, dependencies);
    const { pods } = await look("web");
    await declare("web", { replicas: 9, image: "web:7" });
    await controller.run(mistaken, AbortSignal.timeout(convergeMaxMs));
    expect(lines).toEqual([expect.stringMatching(/^replace .*: deposed$/)]);
    expect((await look("web")).pods).toEqual(pods);
  }, 60_000);

  it("had at no revision made a pod too many, nor written without leading", async () => {
    const { revision } = await client.put("end", "");
    await eventually("the history to be complete", { withinMs: 10_000 }, () => history.revision >= revision);
    expect(violationsOf(history.changes)).toEqual([]);
    const authors = new Set(
      history.changes.flatMap(({ text }) => /"by":"(controller-\d+)"/.exec(text ?? "")?.[1] ?? []),
    );
    expect(authors.size).toBeGreaterThan(2);
    process.stderr.write(`${history.changes.length} changes, made by ${[...authors].join(", ")}\n`);
  });
});
