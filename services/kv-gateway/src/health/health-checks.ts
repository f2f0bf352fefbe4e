import { utf8 } from "@quorate/base";
import {
  brokerCheck,
  instantCheck,
  type HealthCheck,
  type HealthVerdict,
  type StopNotice,
} from "@quorate/probes";
import type { Transport } from "@quorate/transport";
import { etcdserverpb } from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { MemberId } from "../actors/leader-view";
import type { MemberDirectory } from "../actors/member-directory";
import type { ApiMethod } from "../api/api-method";
import { statusOf } from "../grpc/status";

/** An active alarm, `NOSPACE` or `CORRUPT`. */
export type AlarmName = string;

export interface HealthChecksOptions {
  /** The member this gateway stands for. */
  readonly homeMember: MemberId | undefined;
}

export interface HealthChecksDependencies {
  readonly range: ApiMethod;
  readonly tracker: Pick<LeaderTracker, "leader">;
  readonly directory: Pick<MemberDirectory, "isLearner">;
  readonly transport: Pick<Transport, "status">;
  readonly stopNotice: StopNotice;
  /** Finds out which are active, as far as somebody tells in time. */
  readonly alarms: (tell: (active: readonly AlarmName[]) => void) => void;
}

/** A key that nobody needs to have: finding nothing is as good. */
const PROBE = { key: utf8("health"), limit: 1, keysOnly: true };

/**
 * Whether clients can be served here. A check goes the way of a client's request, so that it fails when theirs do; it
 * takes as long as one request at the most.
 */
export class HealthChecks {
  /** A broker that is gone does not come back because this process is started again. */
  readonly livez: readonly HealthCheck[] = [
    {
      name: "serializable_read",
      run: (verdict) => {
        if (this.dependencies.transport.status === "disconnected") return verdict(undefined);
        this.#read(true, verdict);
      },
    },
  ];
  /** etcd's by their names, and ours. */
  readonly readyz: readonly HealthCheck[];

  constructor(
    private readonly options: HealthChecksOptions,
    private readonly dependencies: HealthChecksDependencies,
  ) {
    const { alarms, transport, stopNotice } = dependencies;
    this.readyz = [
      {
        name: "data_corruption",
        run: (verdict) =>
          alarms((active) => verdict(active.includes("CORRUPT") ? "alarm CORRUPT is active" : undefined)),
      },
      { name: "serializable_read", run: (verdict) => this.#read(true, verdict) },
      { name: "linearizable_read", run: (verdict) => this.#read(false, verdict) },
      instantCheck("non_learner", () => (this.#isLearner() ? "the member is a learner" : undefined)),
      brokerCheck(() => transport.status),
      stopNotice.check,
    ];
  }

  /**
   * The verdict of `/health`, as the reason that it gives.
   *
   * @param exclude Alarms that are not looked at.
   * @param serializable Ask for no leader, and read without one.
   */
  overall(exclude: readonly AlarmName[], serializable: boolean, verdict: HealthVerdict): void {
    if (this.dependencies.stopNotice.isStopping) return verdict("STOPPING");
    this.dependencies.alarms((active) => {
      const alarm = active.find((name) => !exclude.includes(name));
      if (alarm !== undefined) return verdict(`ALARM ${alarm}`);
      if (!serializable && this.dependencies.tracker.leader === undefined) return verdict("RAFT NO LEADER");
      this.#read(serializable, (fault) => verdict(fault === undefined ? undefined : `RANGE ERROR:${fault}`));
    });
  }

  #read(serializable: boolean, verdict: HealthVerdict): void {
    // At once, where a request would wait for the broker: who asks does not wait that long for why.
    if (this.dependencies.transport.status !== "connected") return verdict("no connection to a broker");
    const request = etcdserverpb.RangeRequest.encode({ ...PROBE, serializable }).finish();
    this.dependencies.range(request, { timeoutMs: Infinity, requireLeader: false }, (outcome) => {
      verdict(outcome.kind === "ok" ? undefined : statusOf(outcome.failure).message);
    });
  }

  #isLearner(): boolean {
    const { homeMember } = this.options;
    return homeMember !== undefined && this.dependencies.directory.isLearner(homeMember);
  }
}
