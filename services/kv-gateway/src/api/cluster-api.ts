import type { Clock } from "@quorate/base";
import type { Alarm } from "@quorate/state-machine";
import { ALARM_NAMES, etcdserverpb, wireId, type NodeStatus } from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { MemberId } from "../actors/leader-view";
import type { MemberDirectory } from "../actors/member-directory";
import type { NodeQueries } from "../actors/node-queries";
import type { CallOutcome } from "../actors/pending-call";
import { ETCD_CLUSTER_VERSION, ETCD_COMPATIBLE_VERSION, ETCD_STORAGE_VERSION } from "../version";
import type { ApiMethod, CallContext } from "./api-method";
import { memberMessages, type MemberView } from "./member-messages";
import { fail, isReadable, lacksLeader } from "./request-checks";

export interface ClusterApiOptions extends MemberView {
  /**
   * The member this gateway stands for: `Status` tells its state and no other's, so that monitoring sees when it is gone.
   * Undefined for a gateway of the whole cluster: then the leader's is told, or that of whoever answers.
   */
  readonly homeMember: MemberId | undefined;
  /** The longest a call may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long one node is given to answer before another one is asked. */
  readonly answerMs: number;
}

export interface ClusterApiDependencies {
  readonly queries: NodeQueries;
  readonly directory: MemberDirectory;
  readonly tracker: LeaderTracker;
  readonly clock: Clock;
}

/** What nodes tell about themselves and each other: `Maintenance.Status`, `Maintenance.Downgrade` and `Cluster.MemberList`. */
export class ClusterApi {
  constructor(
    private readonly options: ClusterApiOptions,
    private readonly dependencies: ClusterApiDependencies,
  ) {}

  /** One member's own view, without a quorum. */
  readonly status: ApiMethod = (request, context, reply) => {
    if (!isReadable(etcdserverpb.StatusRequest, request, reply)) return undefined;
    if (lacksLeader(context, this.dependencies.tracker, reply)) return undefined;
    this.#tellStatus(context, encodeStatus, reply);
    return undefined;
  };

  /**
   * A cluster of ours has no data that an older etcd could go on with, so no target is valid, and none is ever on its way:
   * what this etcd says to a target that it does not know. Going back to an earlier build is not asked for: see the README.
   */
  readonly downgrade: ApiMethod = (request, context, reply) => {
    if (!isReadable(etcdserverpb.DowngradeRequest, request, reply)) return undefined;
    if (lacksLeader(context, this.dependencies.tracker, reply)) return undefined;
    const { action, version } = etcdserverpb.DowngradeRequest.decode(request);
    if (action !== etcdserverpb.DowngradeRequest.DowngradeAction.CANCEL) {
      const isVersion = /^\d+\.\d+(\.\d+)?$/.test(version);
      fail(reply, isVersion ? "bad-downgrade-target" : "bad-downgrade-version");
      return undefined;
    }
    this.#tellStatus(context, encodeNoDowngrade, reply);
    return undefined;
  };

  /** The members; with `linearizable` as of now, confirmed by a quorum, else as the answering node knows them. */
  readonly memberList: ApiMethod = (request, context, reply) => {
    if (!isReadable(etcdserverpb.MemberListRequest, request, reply)) return undefined;
    if (lacksLeader(context, this.dependencies.tracker, reply)) return undefined;
    const { linearizable } = etcdserverpb.MemberListRequest.decode(request);
    const { clock, directory } = this.dependencies;
    const { homeMember, requestTimeoutMs } = this.options;
    const deadline = clock.now() + Math.min(context.timeoutMs, requestTimeoutMs);
    const others = (linearizable ? directory.voters : directory.all).filter(
      (member) => member !== homeMember,
    );
    const candidates = homeMember === undefined ? others : [homeMember, ...others];
    this.#askInTurn({ candidates, at: 0, deadline, linearizable }, reply);
    return undefined;
  };

  #askInTurn(search: MemberSearch, reply: (outcome: CallOutcome) => void): void {
    const { clock, queries } = this.dependencies;
    const leftMs = search.deadline - clock.now();
    const member = search.candidates[search.at % Math.max(1, search.candidates.length)];
    if (leftMs <= 0 || member === undefined) return fail(reply, "timeout");
    const timeoutMs = Math.max(1, Math.min(leftMs, this.options.answerMs));
    // A pause before the first one is asked again, so that instant refusals do not turn this into a loop.
    const next = { ...search, at: search.at + 1 };
    const pauseMs = next.at % search.candidates.length === 0 ? Math.min(200, leftMs) : 0;
    const askNext = (): void => void clock.setTimer(pauseMs, () => this.#askInTurn(next, reply));
    const askStatus = (): void =>
      queries.status(member, timeoutMs, (status) => {
        // A member that has only just been started does not know yet who belongs to the cluster.
        if (status === undefined || status.members.length === 0) askNext();
        else reply({ kind: "ok", bytes: this.#encodeMemberList(status) });
      });
    // The same node first catches up with everything acknowledged, then tells what it knows.
    if (!search.linearizable) askStatus();
    else queries.confirm(member, timeoutMs, (confirmed) => (confirmed ? askStatus() : askNext()));
  }

  #tellStatus(
    context: CallContext,
    encode: (status: NodeStatus) => Uint8Array,
    reply: (outcome: CallOutcome) => void,
  ): void {
    const { clock } = this.dependencies;
    const deadline = clock.now() + Math.min(context.timeoutMs, this.options.requestTimeoutMs);
    this.#askStatus(this.#statusCandidates(), deadline, encode, reply);
  }

  /** Asks each candidate once, until one answers. */
  #askStatus(
    candidates: readonly MemberId[],
    deadline: number,
    encode: (status: NodeStatus) => Uint8Array,
    reply: (outcome: CallOutcome) => void,
  ): void {
    const { clock, queries } = this.dependencies;
    const [member, ...others] = candidates;
    const leftMs = deadline - clock.now();
    if (member === undefined || leftMs <= 0) return fail(reply, "member-unreachable");
    queries.status(member, Math.min(leftMs, this.options.answerMs), (status) => {
      if (status === undefined) this.#askStatus(others, deadline, encode, reply);
      else reply({ kind: "ok", bytes: encode(status) });
    });
  }

  #statusCandidates(): readonly MemberId[] {
    const { homeMember } = this.options;
    if (homeMember !== undefined) return [homeMember];
    const { tracker, directory } = this.dependencies;
    const leader = tracker.leader?.member;
    if (leader === undefined) return directory.all;
    return [leader, ...directory.all.filter((member) => member !== leader)];
  }

  #encodeMemberList(status: NodeStatus): Uint8Array {
    const members = memberMessages(status.members, this.options);
    return etcdserverpb.MemberListResponse.encode({ header: headerOf(status), members }).finish();
  }
}

interface MemberSearch {
  readonly candidates: readonly MemberId[];
  readonly at: number;
  readonly deadline: number;
  readonly linearizable: boolean;
}

/** Without a revision: etcd leaves it out of what is not about keys. */
function headerOf({ clusterId, memberId, term }: NodeStatus): etcdserverpb.ResponseHeader.$Properties {
  return { clusterId: wireId(clusterId), memberId: wireId(memberId), raftTerm: term };
}

function encodeStatus(status: NodeStatus): Uint8Array {
  // What is used never exceeds the size, although files are compressed; etcdctl divides by it, so it must not be 0.
  const dbSize = Math.max(1, status.dbSizeBytes, status.storedBytes);
  return etcdserverpb.StatusResponse.encode({
    header: { ...headerOf(status), revision: status.revision },
    version: ETCD_COMPATIBLE_VERSION,
    // Whoever compares versions does not look behind the "+" (semver); people do, with `etcdctl endpoint status`.
    storageVersion: `${ETCD_STORAGE_VERSION}+quorate.${status.clusterVersion}`,
    dbSize,
    dbSizeInUse: status.storedBytes,
    dbSizeQuota: status.quotaBytes,
    leader: wireId(status.leader ?? 0n),
    raftTerm: status.term,
    raftIndex: status.commitIndex,
    raftAppliedIndex: status.appliedIndex,
    errors: [
      ...(status.leader === undefined ? ["etcdserver: no leader"] : []),
      ...status.alarms.map(alarmText),
      ...status.unsafeOptions.map((option) => `unsafe option in use: ${option}`),
      ...(status.repairing ? ["quorate: the log of this member is being repaired"] : []),
    ],
    isLearner: status.members.some(({ id, learner }) => id === status.memberId && learner),
    downgradeInfo: { enabled: false, targetVersion: "" },
  }).finish();
}

function encodeNoDowngrade(status: NodeStatus): Uint8Array {
  const header = { ...headerOf(status), revision: status.revision };
  return etcdserverpb.DowngradeResponse.encode({ header, version: ETCD_CLUSTER_VERSION }).finish();
}

/** As Go prints the message. */
function alarmText({ type, memberId }: Alarm): string {
  const member = memberId === 0n ? "" : `memberID:${memberId} `;
  return `${member}alarm:${ALARM_NAMES[type]} `;
}
