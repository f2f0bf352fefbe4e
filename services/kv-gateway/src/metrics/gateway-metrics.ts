import { registerProcessMetrics, type MetricRegistry, type Sample } from "@quorate/telemetry";
import { ALARM_NAMES, type NodeStatus } from "@quorate/wire";
import type { MemberId } from "../actors/leader-view";
import type { Gateway } from "../gateway";
import { ETCD_CLUSTER_VERSION, ETCD_COMPATIBLE_VERSION, SERVICE_VERSION } from "../version";

export interface GatewayMetricsOptions {
  /** The member this gateway stands for: what etcd would say of itself is said of it. */
  readonly homeMember: MemberId | undefined;
  /** How long that member is given to tell its state when metrics are collected, in milliseconds. */
  readonly answerMs: number;
}

export interface GatewayMetricsDependencies {
  readonly gateway: Pick<Gateway, "tracker" | "queries" | "proposer" | "readers" | "directory">;
  readonly registry: MetricRegistry;
}

/**
 * What a gateway shows of itself, and of the member that it stands for, under etcd's names where etcd has one. Nothing
 * here runs unless somebody collects.
 */
export class GatewayMetrics {
  /** The home member's, as of the last {@link collect}. */
  #status: NodeStatus | undefined;

  constructor(
    private readonly options: GatewayMetricsOptions,
    private readonly dependencies: GatewayMetricsDependencies,
  ) {
    registerProcessMetrics(dependencies.registry);
    this.#registerVersions();
    this.#registerLeadership();
    this.#registerBatches();
    this.#registerMember();
  }

  /** Gives everything as Prometheus reads it. What the home member does not tell in time is left out. */
  collect(done: (text: string) => void): void {
    const { homeMember, answerMs } = this.options;
    const { gateway, registry } = this.dependencies;
    const show = (status: NodeStatus | undefined): void => {
      this.#status = status;
      done(registry.text());
    };
    if (homeMember === undefined) show(undefined);
    else gateway.queries.status(homeMember, answerMs, show);
  }

  #registerVersions(): void {
    const { registry } = this.dependencies;
    const versions = { server_version: ETCD_COMPATIBLE_VERSION, quorate_version: SERVICE_VERSION };
    registry.observe("gauge", "etcd_server_version", "Which etcd clients take this for.", () => [
      { labels: versions, value: 1 },
    ]);
    registry.observe("gauge", "etcd_cluster_version", "Which etcd the cluster is taken for.", () => [
      { labels: { cluster_version: ETCD_CLUSTER_VERSION.split(".").slice(0, 2).join(".") }, value: 1 },
    ]);
  }

  #registerLeadership(): void {
    const { registry, gateway } = this.dependencies;
    const { tracker, directory } = gateway;
    const { homeMember } = this.options;
    const flag = (value: boolean): number => (value ? 1 : 0);
    registry.observe("gauge", "etcd_server_has_leader", "1 if a leader is known.", () =>
      flag(tracker.leader !== undefined),
    );
    const changes = registry.counter("etcd_server_leader_changes_seen_total", "Leaders that were heard of.");
    let last: string | undefined;
    tracker.onChange(() => {
      const { leader } = tracker;
      const seen = leader === undefined ? last : `${leader.member}@${leader.term}`;
      if (seen !== last) changes.value += 1;
      last = seen;
    });
    if (homeMember === undefined) return;
    registry.observe("gauge", "etcd_server_is_leader", "1 if the home member leads.", () =>
      flag(tracker.leader?.member === homeMember),
    );
    registry.observe("gauge", "etcd_server_is_learner", "1 if the home member is a learner.", () =>
      flag(directory.isLearner(homeMember)),
    );
    registry.observe("gauge", "etcd_server_id", "The home member's id, in hex.", () => [
      { labels: { server_id: homeMember.toString(16) }, value: 1 },
    ]);
  }

  #registerBatches(): void {
    const { registry, gateway } = this.dependencies;
    const { proposer, readers } = gateway;
    const counters = {
      write: proposer.counters,
      "linearizable-read": readers.linearizable.counters,
      "serializable-read": readers.serializable.counters,
    };
    const samples = (key: "batches" | "calls"): readonly Sample[] =>
      Object.entries(counters).map(([kind, counter]) => ({ labels: { kind }, value: counter[key] }));
    registry.observe("counter", "quorate_gateway_batches_total", "Batches that were sent to members.", () =>
      samples("batches"),
    );
    registry.observe("counter", "quorate_gateway_batched_calls_total", "Calls in those batches.", () =>
      samples("calls"),
    );
    registry.observe("gauge", "etcd_server_proposals_pending", "Writes that wait to be answered.", () => {
      return proposer.pending;
    });
    registry.observe("counter", "etcd_server_proposals_failed_total", "Writes that got no answer.", () => {
      return proposer.counters.failed;
    });
  }

  #registerMember(): void {
    const { registry } = this.dependencies;
    const gauge = (name: string, help: string, read: (status: NodeStatus) => number): void => {
      registry.observe("gauge", name, help, () => this.#status && read(this.#status));
    };
    gauge("etcd_server_proposals_committed_total", "The commit index.", ({ commitIndex }) => commitIndex);
    gauge("etcd_server_proposals_applied_total", "The applied index.", ({ appliedIndex }) => appliedIndex);
    gauge("etcd_mvcc_db_total_size_in_bytes", "Size of the store on the disk.", (status) =>
      Math.max(status.dbSizeBytes, status.storedBytes),
    );
    gauge(
      "etcd_mvcc_db_total_size_in_use_in_bytes",
      "Keys and values of everything stored: what the quota is held against.",
      ({ storedBytes }) => storedBytes,
    );
    gauge(
      "etcd_server_quota_backend_bytes",
      "The quota; 0 if there is none.",
      ({ quotaBytes }) => quotaBytes,
    );
    registry.observe("gauge", "etcd_debugging_server_alarms", "1 for each active alarm.", () =>
      this.#status?.alarms.map(({ type, memberId }) => ({
        labels: { server_id: memberId.toString(16), alarm_type: ALARM_NAMES[type] },
        value: 1,
      })),
    );
    registry.observe(
      "counter",
      "quorate_integrity_checks_total",
      "Checks of data that were finished.",
      () => {
        const { integrity } = this.#status ?? {};
        return (
          integrity && [
            { labels: { check: "state_scrub" }, value: integrity.stateScrubs },
            { labels: { check: "log_scrub" }, value: integrity.logScrubs },
            { labels: { check: "hash" }, value: integrity.hashChecks },
          ]
        );
      },
    );
    gauge("etcd_debugging_mvcc_current_revision", "The revision.", ({ revision }) => revision);
    gauge(
      "etcd_debugging_mvcc_compact_revision",
      "The last compacted revision.",
      ({ compactRevision }) => compactRevision,
    );
  }
}
