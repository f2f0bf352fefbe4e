import { seededPrng, type Prng } from "@quorate/base";

import type { Version } from "../checkers/history";
import { HistoryRecorder } from "../checkers/history-recorder";
import { EMPTY_RUN, type RecordedRun } from "../checkers/recorded-run";
import type { WatchRecord } from "../checkers/watches";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { settledMemberStates } from "../harness/member-states";
import type { QuorateCluster } from "../harness/quorate-cluster";
import { RecordedLoad, type LoadOptions } from "./recorded-load";
import { GrpcStoreDoor, NatsStoreDoor, type StoreDoor } from "./store-door";
import { changeOf, seenEventOf } from "./store-messages";

const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
const WITHIN_MS = 60_000;

/**
 * Records what clients of a cluster do and are told, over all gateways and both doors, beside a watch that is there from the
 * first revision on. In the end all of it is one run for the checkers.
 */
export class ClusterHistory implements AsyncDisposable {
  readonly recorder = new HistoryRecorder(() => performance.now());
  readonly #prng: Prng;
  readonly #watch: EtcdWatch;
  readonly #prefixes: string[] = [];
  #listPrefix: string | undefined;

  private constructor(
    private readonly options: { readonly title: string; readonly seed: number },
    private readonly cluster: QuorateCluster,
    private readonly doors: readonly StoreDoor[],
  ) {
    this.#prng = seededPrng(options.seed);
    this.#watch = new EtcdWatch(cluster.address());
    this.#watch.create({ ...EVERYTHING, startRevision: 1, prevKv: true });
  }

  /**
   * @param options.timeoutMs Of a call, after which its outcome is unknown.
   * @param cluster Fresh: nothing was written, but what started it.
   */
  static async start(
    options: { readonly title: string; readonly seed: number; readonly timeoutMs: number },
    cluster: QuorateCluster,
  ): Promise<ClusterHistory> {
    const { timeoutMs } = options;
    const addresses = gatewaysOf(cluster).map((name) => cluster.address(name));
    const nats = { url: cluster.brokerUrl, cluster: cluster.name, timeoutMs };
    const doors = [
      ...addresses.map((address) => new GrpcStoreDoor({ address, timeoutMs })),
      await NatsStoreDoor.connect(nats),
    ];
    const history = new ClusterHistory(options, cluster, doors);
    await history.#watch.untilCreated();
    return history;
  }

  /** What the watch was told so far. */
  get watchEvents(): number {
    return this.#watch.events.length;
  }

  /** Begins a load on keys of its own. */
  load(options: LoadOptions): Promise<RecordedLoad> {
    this.#prefixes.push(options.prefix);
    if (options.mix === "list-append") this.#listPrefix = options.prefix;
    return RecordedLoad.start(options, { recorder: this.recorder, prng: this.#prng, doors: this.doors });
  }

  /**
   * Waits until all members stand at one place, and reads what they hold: the whole history once more, the contents, a hash of
   * each gateway's member. Nothing may be under way.
   */
  async collected(): Promise<RecordedRun> {
    const [state] = await settledMemberStates(this.cluster, WITHIN_MS);
    const { revision } = state!;
    const again = new EtcdWatch(this.cluster.address(gatewaysOf(this.cluster).at(-1)));
    try {
      again.create({ ...EVERYTHING, startRevision: 1 });
      for (const watch of [this.#watch, again]) {
        const isThere = (): boolean => Number(watch.events.at(-1)?.kv?.modRevision) >= revision;
        await eventually(`a watch to come to revision ${revision}`, { withinMs: WITHIN_MS }, isThere);
      }
      return {
        ...EMPTY_RUN,
        title: `${this.options.title}, seed ${this.options.seed}`,
        prefixes: this.#prefixes,
        ...(this.#listPrefix === undefined ? {} : { listPrefix: this.#listPrefix }),
        operations: this.recorder.operations,
        logs: [again, this.#watch].map((watch) => watch.events.map(changeOf)),
        contents: await this.#contents(),
        watches: [recordOf(this.#watch)],
        hashes: await this.#hashes(revision),
      };
    } finally {
      again.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch.close();
    for (const door of this.doors) await door[Symbol.asyncDispose]();
  }

  async #contents(): Promise<Version[]> {
    const found = await Promise.all(
      this.#prefixes.map((prefix) =>
        eventually(`a read of ${prefix}`, { withinMs: WITHIN_MS }, async () => {
          const outcome = await this.doors[0]!.call({ kind: "range", key: prefix, rangeEnd: `${prefix}~` });
          return outcome.kind === "ok" && outcome.result.kind === "range" && outcome.result.kvs;
        }),
      ),
    );
    return found.flat();
  }

  #hashes(revision: number): Promise<RecordedRun["hashes"]> {
    return Promise.all(
      gatewaysOf(this.cluster).map(async (name) => {
        const client = new EtcdClient({ address: this.cluster.address(name) });
        try {
          const { header, hash, compactRevision } = await client.call(etcdMethods.hashKv, { revision });
          const member = String(header?.memberId);
          return { member, revision, compactRevision: Number(compactRevision), hash };
        } finally {
          client.close();
        }
      }),
    );
  }
}

function gatewaysOf({ processes }: QuorateCluster): string[] {
  return processes.filter(({ service }) => service === "kv-gateway").map(({ name }) => name);
}

/** A stream of one watcher of everything, with previous versions. */
function recordOf({ responses }: EtcdWatch): WatchRecord {
  const created = responses.find((response) => response.created);
  return {
    client: 0,
    span: { key: "\0", rangeEnd: "\0" },
    prevKv: true,
    noPut: false,
    noDelete: false,
    start: 1,
    createdRevision: Number(created?.header?.revision),
    events: responses.flatMap(({ events }, at) => events.map((event) => seenEventOf(event, at))),
    progress: [],
    isLast: true,
  };
}
