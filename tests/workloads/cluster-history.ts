import { seededPrng, type Prng } from "@quorate/base";

import type { Change, Version } from "../checkers/history";
import { HistoryRecorder } from "../checkers/history-recorder";
import { EMPTY_RUN, type RecordedRun } from "../checkers/recorded-run";
import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { settledMemberStates } from "../harness/member-states";
import type { AddressedCluster } from "../harness/quorate-cluster";
import { LEASE_PREFIX, RecordedLeases, type LeaseLoadOptions } from "./recorded-leases";
import { RecordedLoad, type LoadOptions } from "./recorded-load";
import { RecordedWatcher } from "./recorded-watcher";
import { GrpcStoreDoor, NatsStoreDoor, type StoreDoor } from "./store-door";
import { changeOf } from "./store-messages";

const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
const WITHIN_MS = 60_000;
/** Revisions behind the slowest watcher that compaction leaves, so that all previous versions are there when they are told. */
const COMPACTION_MARGIN = 300;
/** Numbers of watchers among the clients of a history. */
const FIRST_WATCHER = 1_000_000;

export interface HistoryOptions {
  readonly title: string;
  readonly seed: number;
  /** Of a call, in milliseconds, after which its outcome is unknown. */
  readonly timeoutMs: number;
}

/**
 * Records what clients of a cluster do and are told, over all gateways and both doors, beside a watcher at every gateway that is
 * there from the first revision on. In the end all of it is one run for the checkers.
 */
export class ClusterHistory implements AsyncDisposable {
  readonly recorder = new HistoryRecorder(() => performance.now());
  readonly #prng: Prng;
  readonly #watchers: readonly RecordedWatcher[];
  readonly #prefixes = new Set<string>();
  readonly #appliedAt = new Map<number, number>();
  #leases: RecordedLeases | undefined;
  #listPrefix: string | undefined;
  #compactRevision = 0;

  private constructor(
    private readonly options: HistoryOptions,
    private readonly cluster: AddressedCluster,
    private readonly doors: readonly StoreDoor[],
  ) {
    this.#prng = seededPrng(options.seed);
    this.#watchers = gatewaysOf(cluster).map((name, at) => {
      const watcher = { client: FIRST_WATCHER + at, address: cluster.address(name) };
      return new RecordedWatcher(watcher, (revision) => this.#noteSeen(revision));
    });
  }

  /** @param cluster Fresh: nothing was written, but what started it. */
  static async start(options: HistoryOptions, cluster: AddressedCluster): Promise<ClusterHistory> {
    const { timeoutMs } = options;
    const addresses = gatewaysOf(cluster).map((name) => cluster.address(name));
    const nats = { url: cluster.brokerUrl, cluster: cluster.name, timeoutMs };
    const doors = [
      ...addresses.map((address) => new GrpcStoreDoor({ address, timeoutMs })),
      await NatsStoreDoor.connect(nats),
    ];
    const history = new ClusterHistory(options, cluster, doors);
    for (const watcher of history.#watchers) await watcher.untilCreated();
    return history;
  }

  /** What the first watcher was told so far. */
  get watchEvents(): number {
    return this.#watchers[0]!.log.length;
  }

  /** Streams of watchers that ended before their time. */
  get watchesBroken(): number {
    return this.#watchers.reduce((sum, { broken }) => sum + broken, 0);
  }

  /** Begins a load on keys of its own. Lists have one prefix together, up to the first slash. */
  load(options: LoadOptions): Promise<RecordedLoad> {
    const { prefix } = options;
    this.#prefixes.add(prefix);
    if (options.mix === "list-append") this.#listPrefix = prefix.slice(0, prefix.indexOf("/") + 1);
    return RecordedLoad.start(options, { recorder: this.recorder, prng: this.#prng, doors: this.doors });
  }

  /** Takes the keys under `prefix` to be those of clients that somebody else records. */
  adopt(prefix: string): void {
    this.#prefixes.add(prefix);
  }

  /** Begins to hold leases; once only. */
  holdLeases(options: LeaseLoadOptions): RecordedLeases {
    this.#prefixes.add(LEASE_PREFIX);
    const places = gatewaysOf(this.cluster).map((name, at) => {
      return { door: this.doors[at]!, address: this.cluster.address(name) };
    });
    this.#leases = new RecordedLeases(options, { recorder: this.recorder, prng: this.#prng, places });
    return this.#leases;
  }

  /** Compacts what every watcher has been told of, but for a margin. @returns The revision, 0: there was nothing to compact. */
  async compact(): Promise<number> {
    const told = Math.min(...this.#watchers.map(({ revision }) => revision));
    const revision = told - COMPACTION_MARGIN;
    if (revision <= this.#compactRevision) return 0;
    // Noted before: without an answer it may have happened.
    this.#compactRevision = revision;
    const client = new EtcdClient({ address: this.cluster.address(), deadlineMs: this.options.timeoutMs });
    try {
      await client.compact({ revision });
    } finally {
      client.close();
    }
    return revision;
  }

  /**
   * Waits until all members stand at one place, and reads what they hold: the whole history once more unless it was compacted, the
   * contents, a hash of each gateway's member. Nothing may be under way.
   */
  async collected(): Promise<RecordedRun> {
    const [state] = await settledMemberStates(this.cluster, WITHIN_MS);
    const { revision } = state!;
    for (const watcher of this.#watchers) {
      const isThere = (): boolean => watcher.revision >= revision;
      await eventually(`a watch to come to revision ${revision}`, { withinMs: WITHIN_MS }, isThere);
      watcher.conclude();
    }
    const told = this.#watchers.map(({ log }) => log);
    return {
      ...EMPTY_RUN,
      title: `${this.options.title}, seed ${this.options.seed}`,
      prefixes: [...this.#prefixes],
      ...(this.#listPrefix === undefined ? {} : { listPrefix: this.#listPrefix }),
      operations: this.recorder.operations,
      logs: this.#compactRevision > 0 ? told : [await this.#readLog(revision), ...told],
      contents: await this.#contents(),
      watches: this.#watchers.flatMap(({ records }) => records),
      compactRevision: this.#compactRevision,
      leases: this.#leases?.leases ?? [],
      appliedAt: [...this.#appliedAt],
      hashes: await this.#hashes(revision),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watcher of this.#watchers) watcher.close();
    for (const door of this.doors) await door[Symbol.asyncDispose]();
  }

  #noteSeen(revision: number): void {
    if (!this.#appliedAt.has(revision)) this.#appliedAt.set(revision, performance.now());
  }

  /** All changes up to `revision`, by a watch that begins now. */
  async #readLog(revision: number): Promise<Change[]> {
    const again = new EtcdWatch(this.cluster.address(gatewaysOf(this.cluster).at(-1)));
    try {
      again.create({ ...EVERYTHING, startRevision: 1 });
      const isThere = (): boolean => Number(again.events.at(-1)?.kv?.modRevision) >= revision;
      await eventually(`a watch to read up to revision ${revision}`, { withinMs: WITHIN_MS }, isThere);
      return again.events.map(changeOf);
    } finally {
      again.close();
    }
  }

  async #contents(): Promise<Version[]> {
    const found = await Promise.all(
      [...this.#prefixes].map((prefix) =>
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

function gatewaysOf({ processes }: AddressedCluster): string[] {
  return processes.filter(({ service }) => service === "kv-gateway").map(({ name }) => name);
}
