import { utf8 } from "@quorate/base";
import { etcdserverpb } from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { MemberId } from "../actors/leader-view";
import type { MemberDirectory } from "../actors/member-directory";
import type { ApiMethod } from "../api/api-method";
import { statusOf } from "../grpc/status";

/** What can be wrong, in etcd's words. */
export type HealthCheckName = "data_corruption" | "serializable_read" | "linearizable_read" | "non_learner";

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
  /** Finds out which are active, as far as somebody tells in time. */
  readonly alarms: (tell: (active: readonly AlarmName[]) => void) => void;
}

/** Tells what is wrong; `undefined` if nothing is. */
export type HealthVerdict = (fault: string | undefined) => void;

/** A key that nobody needs to have: finding nothing is as good. */
const PROBE = { key: utf8("health"), limit: 1, keysOnly: true };

/**
 * Whether clients can be served here. A check goes the way of a client's request, so that it fails when theirs do; it
 * takes as long as one request at the most.
 */
export class HealthChecks {
  constructor(
    private readonly options: HealthChecksOptions,
    private readonly dependencies: HealthChecksDependencies,
  ) {}

  run(check: HealthCheckName, verdict: HealthVerdict): void {
    switch (check) {
      case "data_corruption":
        return this.dependencies.alarms((active) =>
          verdict(active.includes("CORRUPT") ? "alarm CORRUPT is active" : undefined),
        );
      case "serializable_read":
        return this.#read(true, verdict);
      case "linearizable_read":
        return this.#read(false, verdict);
      case "non_learner":
        return verdict(this.#isLearner() ? "the member is a learner" : undefined);
    }
  }

  /**
   * The verdict of `/health`, as the reason that it gives.
   *
   * @param exclude Alarms that are not looked at.
   * @param serializable Ask for no leader, and read without one.
   */
  overall(exclude: readonly AlarmName[], serializable: boolean, verdict: HealthVerdict): void {
    this.dependencies.alarms((active) => {
      const alarm = active.find((name) => !exclude.includes(name));
      if (alarm !== undefined) return verdict(`ALARM ${alarm}`);
      if (!serializable && this.dependencies.tracker.leader === undefined) return verdict("RAFT NO LEADER");
      this.#read(serializable, (fault) => verdict(fault === undefined ? undefined : `RANGE ERROR:${fault}`));
    });
  }

  #read(serializable: boolean, verdict: HealthVerdict): void {
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
