import type { Clock } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import { etcdserverpb, type NodeAnswer, type RawMaintenanceQuery } from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { MemberId } from "../actors/leader-view";
import type { MemberDirectory } from "../actors/member-directory";
import type { NodeQueries } from "../actors/node-queries";
import type { Reply } from "./api-calls";
import type { ApiMethod, CallContext } from "./api-method";
import { fail, isReadable, lacksLeader } from "./request-checks";
import { definite } from "./request-failure";

export interface MaintenanceApiOptions {
  /** The member this gateway stands for; undefined for a gateway of the whole cluster, which asks the leader. */
  readonly homeMember: MemberId | undefined;
  /** The longest a call may take if its caller names no deadline, in milliseconds: a hash reads the whole store. */
  readonly longestMs: number;
  /** How long one member is waited for to finish a compaction, before it is asked again. */
  readonly compactionAnswerMs: number;
}

export interface MaintenanceApiDependencies {
  readonly queries: NodeQueries;
  readonly directory: MemberDirectory;
  readonly tracker: LeaderTracker;
  readonly clock: Clock;
}

const ASK_AGAIN_MS = 100;

/** `Maintenance`, as far as it is about what one member has stored. */
export class MaintenanceApi {
  constructor(
    private readonly options: MaintenanceApiOptions,
    private readonly dependencies: MaintenanceApiDependencies,
  ) {}

  /** A hash of the member's key-values: equal on all members for equal revision and compact revision. */
  readonly hashKv: ApiMethod = (request, context, reply) => {
    if (!isReadable(etcdserverpb.HashKVRequest, request, reply)) return undefined;
    return this.#hash({ kind: "hash-kv", bytes: request }, context, reply);
  };

  /** A hash of everything that the member stores, for tests: members may differ. */
  readonly hash: ApiMethod = (request, context, reply) => {
    if (!isReadable(etcdserverpb.HashRequest, request, reply)) return undefined;
    return this.#hash({ kind: "hash", bytes: request }, context, reply);
  };

  /** There is nothing to do: the engine gives space back while it runs. So scripts that call it go on at once. */
  readonly defragment: ApiMethod = (request, context, reply) => {
    if (!isReadable(etcdserverpb.DefragmentRequest, request, reply)) return undefined;
    if (lacksLeader(context, this.dependencies.tracker, reply)) return undefined;
    reply({ kind: "ok", bytes: etcdserverpb.DefragmentResponse.encode({}).finish() });
    return undefined;
  };

  /**
   * Tells when the member has deleted what a compaction at `revision` made unreachable. Asks until then: the member may
   * just restart, or another one come to lead.
   *
   * @param done Called once, with false after `timeoutMs`.
   */
  whenCompacted(revision: Revision, timeoutMs: number, done: (compacted: boolean) => void): void {
    const { clock } = this.dependencies;
    this.#awaitCompaction(revision, clock.now() + Math.min(timeoutMs, this.options.longestMs), done);
  }

  #awaitCompaction(revision: Revision, deadline: number, done: (compacted: boolean) => void): void {
    const { clock, queries } = this.dependencies;
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) return done(false);
    const again = (): void => {
      clock.setTimer(Math.min(ASK_AGAIN_MS, leftMs), () => this.#awaitCompaction(revision, deadline, done));
    };
    const [member] = this.#candidates();
    if (member === undefined) return again();
    const timeoutMs = Math.min(leftMs, this.options.compactionAnswerMs);
    queries.maintenance(member, { kind: "compacted", revision }, timeoutMs, (answer) => {
      const isDone = answer !== "absent" && answer?.kind === "results" && answer.results[0]?.ok === true;
      if (isDone) done(true);
      else again();
    });
  }

  #hash(query: RawMaintenanceQuery, context: CallContext, reply: Reply): undefined {
    const { tracker, clock } = this.dependencies;
    if (lacksLeader(context, tracker, reply)) return undefined;
    const deadline = clock.now() + Math.min(context.timeoutMs, this.options.longestMs);
    this.#askInTurn(this.#candidates(), query, deadline, reply);
    return undefined;
  }

  /** The next one is asked only if nobody is there: a hash that takes long does not become faster elsewhere. */
  #askInTurn(
    candidates: readonly MemberId[],
    query: RawMaintenanceQuery,
    deadline: number,
    reply: Reply,
  ): void {
    const [member, ...others] = candidates;
    const leftMs = deadline - this.dependencies.clock.now();
    if (leftMs <= 0) return fail(reply, "timeout");
    if (member === undefined) return fail(reply, "member-unreachable");
    this.dependencies.queries.maintenance(member, query, leftMs, (answer) => {
      if (answer === "absent") this.#askInTurn(others, query, deadline, reply);
      else if (answer === undefined) fail(reply, "timeout");
      else settle(answer, reply);
    });
  }

  /** The home member alone, or the leader before all others. */
  #candidates(): readonly MemberId[] {
    const { homeMember } = this.options;
    if (homeMember !== undefined) return [homeMember];
    const { tracker, directory } = this.dependencies;
    const leader = tracker.leader?.member;
    if (leader === undefined) return directory.all;
    return [leader, ...directory.all.filter((member) => member !== leader)];
  }
}

function settle(answer: NodeAnswer, reply: Reply): void {
  if (answer.kind === "refused") {
    const { reason } = answer.refusal;
    if (reason === "overloaded") fail(reply, "too-many-requests");
    else reply({ kind: "failed", failure: definite("internal", `the member refused: ${reason}`) });
    return;
  }
  const [result] = answer.results;
  if (result === undefined) return fail(reply, "member-unreachable");
  if (result.ok) reply({ kind: "ok", bytes: result.bytes });
  else reply({ kind: "failed", failure: definite(result.failure.code, result.failure.detail) });
}
