import type { Clock } from "@quorate/base";
import type { MembershipChange } from "@quorate/state-machine";
import {
  decodeMembershipResult,
  decodeMessage,
  etcdserverpb,
  unsignedId,
  wireId,
  type WireInt64,
} from "@quorate/wire";
import type { LeaderOrders, OrderTerms } from "../actors/leader-orders";
import type { MemberId } from "../actors/leader-view";
import type { CallOutcome } from "../actors/pending-call";
import type { ApiCalls, Reply } from "./api-calls";
import type { Abandonable, ApiMethod, CallContext } from "./api-method";
import { memberMessages, type MemberView } from "./member-messages";
import { checkedPeerUrls } from "./peer-urls";
import { unknownOutcome } from "./request-failure";

export interface MembershipApiOptions extends MemberView {
  /** Learners that there may be at once. */
  readonly learnersMax: number;
  /** The longest a call may take, in milliseconds. */
  readonly requestTimeoutMs: number;
}

export interface MembershipApiDependencies {
  readonly calls: ApiCalls;
  readonly orders: LeaderOrders;
  readonly clock: Clock;
  /** 64 random bits at each call, never all of them 0. */
  readonly drawId: () => bigint;
}

/** What all answers to changes have in common. */
interface ChangeAnswer {
  readonly header: etcdserverpb.ResponseHeader.$Properties;
  readonly members: etcdserverpb.Member.$Properties[];
}

/** What an operator does to the cluster: changes its membership, and moves its leadership. */
export class MembershipApi {
  constructor(
    private readonly options: MembershipApiOptions,
    private readonly dependencies: MembershipApiDependencies,
  ) {}

  /** The id of the new member is random: etcd derives it from its peer URLs and the time, which comes to the same. */
  readonly memberAdd: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      const { isLearner, peerURLs } = decodeMessage("MemberAddRequest", etcdserverpb.MemberAddRequest, bytes);
      const peerUrls = checkedPeerUrls(peerURLs);
      if (peerUrls === undefined) return "bad-member-urls";
      const member = { id: this.dependencies.drawId() as MemberId, name: "", peerUrls, clientUrls: [] };
      const { learnersMax } = this.options;
      return this.#change(
        { kind: "add", member, learner: isLearner, learnersMax },
        context,
        reply,
        ({ header, members }) =>
          etcdserverpb.MemberAddResponse.encode({
            header,
            member: { ID: wireId(member.id), peerURLs: peerUrls, isLearner },
            members,
          }).finish(),
      );
    });

  readonly memberRemove: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      const { ID } = decodeMessage("MemberRemoveRequest", etcdserverpb.MemberRemoveRequest, bytes);
      return this.#change({ kind: "remove", id: idOf(ID) }, context, reply, (answer) =>
        etcdserverpb.MemberRemoveResponse.encode(answer).finish(),
      );
    });

  /** Of what kind the URLs are is not looked at, as in etcd. */
  readonly memberUpdate: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      const { ID, peerURLs } = decodeMessage("MemberUpdateRequest", etcdserverpb.MemberUpdateRequest, bytes);
      return this.#change(
        { kind: "update", id: idOf(ID), peerUrls: [...peerURLs] },
        context,
        reply,
        (answer) => etcdserverpb.MemberUpdateResponse.encode(answer).finish(),
      );
    });

  readonly memberPromote: ApiMethod = (bytes, context, reply) =>
    this.#checked(context, reply, () => {
      const { ID } = decodeMessage("MemberPromoteRequest", etcdserverpb.MemberPromoteRequest, bytes);
      return this.#change({ kind: "promote", id: idOf(ID) }, context, reply, (answer) =>
        etcdserverpb.MemberPromoteResponse.encode(answer).finish(),
      );
    });

  /** A gateway that stands for a member does it only while that one leads, as etcd does. */
  readonly moveLeader: ApiMethod = (bytes, context, reply) => {
    const { homeMember } = this.options;
    const terms = this.#terms(context);
    const strict = homeMember === undefined ? terms : { ...terms, onlyAt: homeMember };
    return this.#moveLeader(bytes, strict, context, reply);
  };

  /** Whoever leads does it: for callers that cannot choose which gateway they ask. */
  readonly moveLeaderFromAnywhere: ApiMethod = (bytes, context, reply) =>
    this.#moveLeader(bytes, this.#terms(context), context, reply);

  #moveLeader(bytes: Uint8Array, terms: OrderTerms, context: CallContext, reply: Reply): undefined {
    return this.#checked(context, reply, () => {
      const { targetID } = decodeMessage("MoveLeaderRequest", etcdserverpb.MoveLeaderRequest, bytes);
      this.dependencies.orders.give(
        { order: { kind: "move-leader", to: idOf(targetID) }, skipHealthCheck: false },
        terms,
        (outcome) => {
          if (outcome.kind === "failed") return reply(outcome);
          reply({ kind: "ok", bytes: etcdserverpb.MoveLeaderResponse.encode({}).finish() });
        },
      );
      return NOTHING_TO_ABANDON;
    });
  }

  #checked(context: CallContext, reply: Reply, start: Parameters<ApiCalls["checked"]>[2]): undefined {
    this.dependencies.calls.checked<Abandonable>(context, reply, start);
    return undefined;
  }

  #change(
    change: MembershipChange,
    context: CallContext,
    reply: (outcome: CallOutcome) => void,
    encode: (answer: ChangeAnswer) => Uint8Array,
  ): Abandonable {
    const request = { changeId: this.dependencies.drawId(), change };
    this.dependencies.orders.give(
      { order: { kind: "change", request }, skipHealthCheck: false },
      this.#terms(context),
      (outcome) => {
        if (outcome.kind === "failed") return reply(outcome);
        const answer = this.#answer(outcome.bytes, outcome.by);
        // It was carried out, but what came of it cannot be told.
        if (answer === undefined) return reply({ kind: "failed", failure: unknownOutcome("timeout") });
        reply({ kind: "ok", bytes: encode(answer) });
      },
    );
    return NOTHING_TO_ABANDON;
  }

  #answer(bytes: Uint8Array, by: MemberId): ChangeAnswer | undefined {
    try {
      const { clusterId, raftTerm, members } = decodeMembershipResult(bytes);
      const memberId = this.options.homeMember ?? by;
      // Without a revision: etcd leaves it out of what is not about keys.
      const header = { clusterId: wireId(clusterId), memberId: wireId(memberId), raftTerm };
      return { header, members: memberMessages(members, this.options) };
    } catch {
      return undefined;
    }
  }

  #terms({ timeoutMs }: CallContext): OrderTerms {
    return { deadline: this.dependencies.clock.now() + Math.min(timeoutMs, this.options.requestTimeoutMs) };
  }
}

/** What was ordered cannot be taken back. */
const NOTHING_TO_ABANDON: Abandonable = { abandon: () => undefined };

function idOf(id: WireInt64): MemberId {
  return unsignedId(id) as MemberId;
}
