import { GenericContainer, type StartedTestContainer, type WaitStrategy } from "testcontainers";

import type { ClusterNetworks } from "./cluster-networks";
import { docker, runLabels } from "./docker-objects";

export interface ContainerPlan {
  /** Its name in the private network. */
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  /** Port inside, port on this machine: the same ones however often it is started. */
  readonly ports?: readonly (readonly [inside: number, outside: number])[];
  /** Whether it has a volume that outlives it, at /data. */
  readonly keepsData?: boolean;
  /** Files that it is given: from, to. */
  readonly files?: readonly (readonly [source: string, target: string])[];
}

const STOP_SECONDS = 20;

/** A container of a cluster, which may be broken and mended in any order: a verb that does not fit does nothing. */
export class ClusterContainer {
  #started: StartedTestContainer | undefined;
  #earlierLogs = "";
  #isCutOff = false;

  constructor(
    private plan: ContainerPlan,
    private readonly networks: ClusterNetworks,
  ) {}

  get name(): string {
    return this.plan.name;
  }

  get image(): string {
    return this.plan.image;
  }

  get command(): readonly string[] {
    return this.plan.command;
  }

  /** Creates and starts it; whether it serves is for others to find out. */
  async create(): Promise<void> {
    const { name, image, command, ports = [], keepsData = false, files = [] } = this.plan;
    const networks = this.networks;
    const container = new (class extends GenericContainer {
      // Between its creation and its start: it finds the others when it looks for them first.
      protected override containerCreated = (id: string): Promise<void> => networks.connect(id, name);

      /** A program every few seconds in each of many containers, whose answers nobody reads here. */
      withoutHealthCheck(): this {
        this.createOpts.Healthcheck = { Test: ["NONE"] };
        return this;
      }
    })(image)
      .withoutHealthCheck()
      .withCommand([...command])
      .withNetworkMode(networks.clientsName)
      .withExposedPorts(...ports.map(([inside, host]) => ({ container: inside, host })))
      .withLabels(runLabels())
      .withName(networks.nameOf(name))
      .withWaitStrategy(new NoWait())
      .withCopyFilesToContainer(files.map(([source, target]) => ({ source, target, mode: 0o644 })))
      .withBindMounts(keepsData ? [{ source: await this.#volume(), target: "/data" }] : []);
    this.#started = await container.start();
    this.#isCutOff = false;
  }

  /** As a host that loses its power. */
  kill(): Promise<void> {
    return this.#unless(
      ({ Running }) => !Running,
      (container) => container.kill(),
    );
  }

  /** SIGTERM, and time to end. @returns The exit code. */
  async stop(): Promise<number> {
    await this.#unless(
      ({ Running }) => !Running,
      (container) => container.stop({ t: STOP_SECONDS }),
    );
    return (await this.#state()).ExitCode;
  }

  start(): Promise<void> {
    return this.#unless(
      ({ Running }) => Running,
      (container) => container.start(),
    );
  }

  pause(): Promise<void> {
    return this.#unless(
      ({ Paused, Running }) => Paused || !Running,
      (container) => container.pause(),
    );
  }

  resume(): Promise<void> {
    return this.#unless(
      ({ Paused }) => !Paused,
      (container) => container.unpause(),
    );
  }

  async cutOff(): Promise<void> {
    if (this.#isCutOff) return;
    await this.networks.disconnect(this.#id);
    this.#isCutOff = true;
  }

  /** Under its name, though not always under the address that it had. */
  async rejoin(): Promise<void> {
    if (!this.#isCutOff) return;
    await this.networks.connect(this.#id, this.name);
    this.#isCutOff = false;
  }

  /** Ends it in order and puts another one in its place, with its name, ports and data. */
  async replace(changes: Partial<Pick<ContainerPlan, "image" | "command">>): Promise<void> {
    await this.stop();
    await this.remove();
    this.plan = { ...this.plan, ...changes };
    await this.create();
  }

  /** Deletes the volume of one that was removed. */
  async wipe(): Promise<void> {
    await (await docker()).getVolume(this.networks.nameOf(this.name)).remove({});
  }

  async remove(): Promise<void> {
    if (this.#started === undefined) return;
    this.#earlierLogs = await this.logs();
    const container = (await docker()).getContainer(this.#id);
    this.#started = undefined;
    await container.remove({ force: true });
  }

  /** All that it has printed, also before it was replaced. */
  async logs(): Promise<string> {
    if (this.#started === undefined) return this.#earlierLogs;
    const printed = await (await docker()).getContainer(this.#id).logs({ stdout: true, stderr: true });
    return this.#earlierLogs + textOfFrames(printed);
  }

  /** Where this machine finds a file of it, while it runs. */
  async pathOf(file: string): Promise<string> {
    return `/proc/${await this.pid()}/root${file}`;
  }

  /** Its address in the private network. */
  async address(): Promise<string> {
    const { NetworkSettings } = await (await docker()).getContainer(this.#id).inspect();
    return NetworkSettings.Networks[this.networks.privateName]?.IPAddress ?? "";
  }

  /** Of its first process, as this machine sees it. */
  async pid(): Promise<number> {
    return (await this.#state()).Pid;
  }

  async exitCode(): Promise<number | undefined> {
    const { Running, ExitCode } = await this.#state();
    return Running ? undefined : ExitCode;
  }

  get #id(): string {
    if (this.#started === undefined) throw new Error(`There is no container ${this.name}`);
    return this.#started.getId();
  }

  async #state(): Promise<{
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly ExitCode: number;
    readonly Pid: number;
  }> {
    return (await (await docker()).getContainer(this.#id).inspect()).State;
  }

  async #unless(
    isSo: (state: { readonly Running: boolean; readonly Paused: boolean }) => boolean,
    act: (container: ReturnType<Awaited<ReturnType<typeof docker>>["getContainer"]>) => Promise<unknown>,
  ): Promise<void> {
    if (isSo(await this.#state())) return;
    await act((await docker()).getContainer(this.#id));
  }

  async #volume(): Promise<string> {
    const name = this.networks.nameOf(this.name);
    await (await docker()).createVolume({ Name: name, Labels: runLabels() });
    return name;
  }
}

/** A container that was started is good enough: whether it serves is asked of the cluster. */
class NoWait implements WaitStrategy {
  async waitUntilReady(): Promise<void> {
    // There is nothing to wait for.
  }

  withStartupTimeout(): this {
    return this;
  }

  isStartupTimeoutSet(): boolean {
    return false;
  }

  getStartupTimeout(): number {
    return 0;
  }
}

/** What a container printed, which Docker gives in frames: a header of eight bytes, of which the last four are the length. */
function textOfFrames(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts).toString();
}
