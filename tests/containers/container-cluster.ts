import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf, memberAt } from "../harness/member-states";
import type { AddressedCluster, ClusterProcess } from "../harness/quorate-cluster";
import { untilWritable } from "../harness/until-writable";
import type { ClusterContainer } from "./cluster-container";
import { isToBeKept } from "./docker-objects";
import type { ClusterNetworks } from "./cluster-networks";
import { letThrough } from "./packet-filter";

/** A container, and what runs in it: of a stacked member several services at once. */
export interface Part {
  readonly container: ClusterContainer;
  readonly processes: readonly Omit<ClusterProcess, "command">[];
}

const WHOLE_WITHIN_MS = 60_000;
/** An order that got no answer by then is given to another gateway. */
const ORDER_MS = 5000;

/** A cluster in containers, as clients and tests see it. */
export class ContainerCluster implements AddressedCluster, AsyncDisposable {
  #parts: Part[] = [];

  constructor(
    readonly name: string,
    readonly networks: ClusterNetworks,
    /** Where clients inside the private network go. */
    readonly inside: { readonly gateways: readonly string[]; readonly brokerUrls: readonly string[] },
  ) {}

  get containers(): readonly ClusterContainer[] {
    return this.#parts.map(({ container }) => container);
  }

  get processes(): readonly ClusterProcess[] {
    return this.#parts.flatMap(({ container: { command }, processes }) =>
      processes.map((process) => ({ ...process, command })),
    );
  }

  get members(): readonly string[] {
    return this.namesOf("raft-node");
  }

  get brokerUrl(): string {
    return this.processes.flatMap(({ url = [] }) => url).join(",");
  }

  namesOf(service: ClusterProcess["service"]): readonly string[] {
    return this.processes.filter((process) => process.service === service).map(({ name }) => name);
  }

  process(name: string): ClusterProcess {
    const found = this.processes.find((process) => process.name === name);
    if (found === undefined) throw new Error(`The cluster has no process ${name}`);
    return found;
  }

  address(gateway = this.namesOf("kv-gateway")[0]!): string {
    return new URL(this.process(gateway).clientUrl ?? "").host;
  }

  container(name: string): ClusterContainer {
    return this.containers.find((container) => container.name === name)!;
  }

  leader(): Promise<string> {
    return leaderOf(this, WHOLE_WITHIN_MS);
  }

  /** The newest term that the leader knows. */
  async term(): Promise<number> {
    return (await memberAt(this, await this.leader(), 0, WHOLE_WITHIN_MS)).term;
  }

  /** Creates containers and takes them for parts of the cluster, all at once. */
  async add(...parts: readonly Part[]): Promise<void> {
    this.#parts.push(...parts);
    await Promise.all(parts.map(({ container }) => container.create()));
  }

  /** Says more of what runs in a container. */
  describe(name: string, facts: Partial<ClusterProcess>): void {
    this.#parts = this.#parts.map(({ container, processes }) => ({
      container,
      processes: processes.map((one) => (one.name === name ? { ...one, ...facts } : one)),
    }));
  }

  /** Removes a container with all that it keeps. */
  async drop(name: string): Promise<void> {
    const container = this.container(name);
    this.#parts = this.#parts.filter((part) => part.container !== container);
    await container.remove();
    await container.wipe();
  }

  /** Undoes whatever was done to containers and between them. @returns How many packets were dropped. */
  async heal(names: readonly string[] = this.containers.map(({ name }) => name)): Promise<number> {
    const dropped = await Promise.all(
      names.map(async (name) => {
        const container = this.container(name);
        await container.resume();
        await container.start();
        await container.rejoin();
        return letThrough(container);
      }),
    );
    return dropped.reduce((sum, packets) => sum + packets, 0);
  }

  /**
   * Waits until every gateway acknowledges a write, and every member has applied what the leader had.
   *
   * @throws {NotInTimeError}
   */
  async untilWhole(withinMs = WHOLE_WITHIN_MS): Promise<void> {
    await Promise.all(this.namesOf("kv-gateway").map((name) => untilWritable(this.address(name), withinMs)));
    const { appliedIndex } = await memberAt(this, await this.leader(), 0, withinMs);
    await Promise.all(this.members.map((name) => memberAt(this, name, appliedIndex, withinMs)));
  }

  /** Does something to the list of members through any gateway, until it is accepted. */
  async administer<T>(what: string, order: (client: EtcdClient) => Promise<T>): Promise<T> {
    const clients = this.namesOf("kv-gateway").map(
      (name) => new EtcdClient({ address: this.address(name), deadlineMs: ORDER_MS }),
    );
    let turn = 0;
    try {
      const done = await eventually(what, { withinMs: WHOLE_WITHIN_MS, everyMs: 100 }, async () => ({
        answer: await order(clients[(turn += 1) % clients.length]!),
      }));
      return done.answer;
    } finally {
      for (const client of clients) client.close();
    }
  }

  /** What it is made of must not keep the machine busy while other tests run; all else goes with the test run. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!isToBeKept()) await Promise.all(this.containers.map((container) => container.remove()));
  }
}
