import { randomBytes } from "node:crypto";

import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf, settledMemberStates } from "../harness/member-states";
import { QuorateCluster, type QuorateOptions } from "../harness/quorate-cluster";
import { WriteLoad } from "./write-load";

const WRITERS_OF_LARGE_VALUES = 8;

/** A cluster with a client and the writers that a test lets loose on it: what many specs begin with and end with. */
export class LoadedCluster implements AsyncDisposable {
  readonly #loads: WriteLoad[] = [];

  private constructor(
    readonly cluster: QuorateCluster,
    readonly client: EtcdClient,
    private readonly withinMs: number,
  ) {}

  /** @param withinMs How long the cluster may take to recover or to agree, wherever that is waited for. */
  static async start(options: QuorateOptions, withinMs: number): Promise<LoadedCluster> {
    const cluster = await QuorateCluster.start(options);
    return new LoadedCluster(cluster, new EtcdClient({ address: cluster.address() }), withinMs);
  }

  /** Begins to write; ended with the cluster at the latest. */
  load(prefix: string, writers: number): WriteLoad {
    const load = new WriteLoad({ prefix, writers }, this.client);
    this.#loads.push(load);
    return load;
  }

  /** Puts `count` values that cannot be compressed, each under a key of its own. */
  async fill(prefix: string, count: number, valueBytes: number): Promise<void> {
    let next = 0;
    const write = async (): Promise<void> => {
      for (let at = next++; at < count; at = next++)
        await this.client.put({ key: Buffer.from(`${prefix}${at}`), value: randomBytes(valueBytes) }, 30_000);
    };
    await Promise.all(Array.from({ length: WRITERS_OF_LARGE_VALUES }, write));
  }

  async someFollower(): Promise<string> {
    const leader = await leaderOf(this.cluster, this.withinMs);
    return this.cluster.members.find((name) => name !== leader)!;
  }

  /** Waits until every member has caught up, because the next fault hits others, and compares what they have become. */
  async expectAllAlike(): Promise<void> {
    await this.cluster.untilWritable(this.withinMs);
    const states = await settledMemberStates(this.cluster, this.withinMs);
    const become = states.map(({ effectHash, revision }) => ({ effectHash, revision }));
    expect(become).toEqual(become.map(() => become[0]));
  }

  /** How often a process has said that it has got a snapshot. */
  snapshotsOf(name: string): number {
    return this.cluster.logOf(name).split("a snapshot is the state now").length - 1;
  }

  /** Waits until a member has installed more snapshots than `before`. */
  async untilSnapshot(name: string, before = 0): Promise<void> {
    const { withinMs } = this;
    await eventually(
      `a snapshot to be the state of ${name}`,
      { withinMs },
      () => this.snapshotsOf(name) > before,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const load of this.#loads) await load.stop();
    this.client.close();
    await this.cluster[Symbol.asyncDispose]();
  }
}
