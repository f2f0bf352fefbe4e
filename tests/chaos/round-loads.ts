import type { Prng } from "@quorate/base";
import { QuorateClient } from "@quorate/client";

import type { AddressedCluster } from "../harness/quorate-cluster";
import type { RecordedRun } from "../checkers/recorded-run";
import type { ClusterHistory } from "../workloads/cluster-history";
import { ApiServerLoad } from "../workloads/api-server-load";
import type { Mix } from "../workloads/draw-request";
import { countViolations, LockContender } from "../workloads/lock-contender";
import type { RecordedLeases } from "../workloads/recorded-leases";
import type { RecordedLoad } from "../workloads/recorded-load";

/** What clients do; watchers are always there. */
export const WORKLOADS = ["register", "txn", "list-append", "leases", "locks", "kubernetes"] as const;
export type Workload = (typeof WORKLOADS)[number];

const MIXES: readonly { readonly mix: Mix; readonly keys: number; readonly clients: number }[] = [
  { mix: "register", keys: 3, clients: 4 },
  { mix: "txn", keys: 4, clients: 4 },
  { mix: "list-append", keys: 4, clients: 4 },
];
/** So slow that a search for an order comes to its end. */
const CALL_EVERY_MS = 60;
/** A load with more is ended, and one on keys of its own begun, whenever all is whole: histories are searched by their keys. */
const OPERATIONS_MAX = 1200;
const TIMEOUT_MS = 1500;
const LEASE_HOLDERS = 4;
const CONTENDERS = 4;
const LEASES_END_WITHIN_MS = 60_000;
const LOCK = { lock: "count/lock", value: "count/value" } as const;
const OBJECTS = "/registry/pods/";

/** The loads of one round, and what is wrong with what they were told, beyond what the history shows. */
export class RoundLoads {
  #mixes: { readonly mix: Mix; load: RecordedLoad }[] = [];
  #generation = 0;
  #nextClient = 1;
  #leases: RecordedLeases | undefined;
  #objects: ApiServerLoad | undefined;
  #contenders: { readonly client: QuorateClient; readonly contender: LockContender }[] = [];

  private constructor(
    private readonly workloads: readonly Workload[],
    private readonly dependencies: {
      readonly cluster: AddressedCluster;
      readonly history: ClusterHistory;
      readonly prng: Prng;
    },
  ) {}

  static async start(
    workloads: readonly Workload[],
    dependencies: {
      readonly cluster: AddressedCluster;
      readonly history: ClusterHistory;
      readonly prng: Prng;
    },
  ): Promise<RoundLoads> {
    const loads = new RoundLoads(workloads, dependencies);
    const { cluster, history, prng } = dependencies;
    for (const { mix } of MIXES) if (workloads.includes(mix)) await loads.#begin(mix);
    if (workloads.includes("leases"))
      loads.#leases = history.holdLeases({
        holders: LEASE_HOLDERS,
        firstClient: 500_000,
        timeoutMs: TIMEOUT_MS,
      });
    if (workloads.includes("kubernetes")) {
      const gateways = cluster.processes.filter(({ service }) => service === "kv-gateway").slice(0, 2);
      const addresses = gateways.map(({ name }) => cluster.address(name));
      loads.#objects = new ApiServerLoad(
        { prefix: OBJECTS, addresses, writers: 3, timeoutMs: TIMEOUT_MS },
        prng,
      );
    }
    if (workloads.includes("locks"))
      for (let at = 0; at < CONTENDERS; at += 1) {
        const servers = cluster.brokerUrl.split(",");
        const client = await QuorateClient.connect({ servers, cluster: cluster.name });
        loads.#contenders.push({ client, contender: new LockContender(LOCK, client) });
      }
    return loads;
  }

  /** Ends loads that are long enough, and begins new ones. Everything must be whole. */
  async renew(): Promise<void> {
    for (const { mix, load } of [...this.#mixes]) {
      if (load.operations.length < OPERATIONS_MAX) continue;
      await load.stop();
      this.#mixes = this.#mixes.filter((one) => one.load !== load);
      await this.#begin(mix);
    }
  }

  /** Lets everything come to rest, for the checkers. @throws {NotInTimeError} The cluster does not answer. */
  async stop(): Promise<void> {
    await Promise.all([
      ...this.#mixes.map(({ load }) => load.stop()),
      this.#leases?.stop(LEASES_END_WITHIN_MS),
    ]);
    await this.abandon();
  }

  /** Only lets the calls under way end. */
  async abandon(): Promise<void> {
    await Promise.all([
      ...this.#mixes.map(({ load }) => load.abandon()),
      this.#leases?.abandon(),
      this.#objects?.stop(),
      ...this.#contenders.map(({ contender }) => contender.stop()),
    ]);
    for (const { client } of this.#contenders.splice(0)) await client.close();
  }

  /** How much was done, for vacuity guards. */
  counts(run: RecordedRun): Readonly<Record<string, { readonly seen: number; readonly min: number }>> {
    const log = run.logs[0] ?? [];
    return {
      "changes in the log": { seen: log.length, min: 50 },
      ...(this.#leases === undefined
        ? {}
        : { "leases with keys": { seen: run.leases.filter(({ keys }) => keys.length > 0).length, min: 3 } }),
      ...(this.#objects === undefined
        ? {}
        : { "writes of API servers": { seen: this.#objects.acknowledgedCount, min: 20 } }),
      ...(!this.workloads.includes("locks")
        ? {}
        : { "counts under the lock": { seen: log.filter(({ key }) => key === LOCK.value).length, min: 3 } }),
    };
  }

  /** What the checkers of histories do not know of. */
  violations({ logs }: RecordedRun): readonly string[] {
    const log = logs[0] ?? [];
    return [
      ...(this.#leases?.violations ?? []).map((text) => `leases: ${text}`),
      ...(this.#objects?.violations(log) ?? []).map((text) => `kubernetes: ${text}`),
      ...(this.workloads.includes("locks") ? countViolations(log, LOCK) : []).map((text) => `locks: ${text}`),
    ];
  }

  async #begin(mix: Mix): Promise<void> {
    const { keys, clients } = MIXES.find((one) => one.mix === mix)!;
    const prefix = `${mix}/${(this.#generation += 1)}/`;
    const firstClient = this.#nextClient;
    this.#nextClient += clients;
    const load = await this.dependencies.history.load({
      ...{ mix, prefix, keys, clients, firstClient },
      everyMs: CALL_EVERY_MS,
    });
    this.#mixes.push({ mix, load });
  }
}

/** Of a recorded call, in milliseconds, after which its outcome is unknown. */
export const CALL_TIMEOUT_MS = TIMEOUT_MS;
