import { decodeMessage, etcdserverpb, wireId, type ApiService } from "@quorate/wire";
import type { CallOptions } from "../pending-call";
import { responseHeader, memberList, type Member, type ResponseHeader } from "../results";

/** What a change of the membership has come to. */
export interface MembershipChange {
  /** Its revision is 0: members have none. */
  readonly header: ResponseHeader;
  /** All members afterwards. */
  readonly members: readonly Member[];
}

export interface MemberAddition extends MembershipChange {
  readonly member: Member;
}

export interface NewMember {
  /** Shown in lists; nobody connects to them. `http://HOST:PORT`, and not those of another member. */
  readonly peerUrls: readonly string[];
  /** Whether it only follows, without a vote, until it is promoted: then the quorum is not larger before it has caught up. */
  readonly isLearner?: boolean;
}

/** Asks on a subject of the API, once. */
export type AskOnce = <T>(
  to: { readonly service: ApiService; readonly method: string },
  request: Uint8Array,
  options: CallOptions,
  decode: (payload: Uint8Array) => T,
) => Promise<T>;

/** Who belongs to the cluster, and who leads it. Changes are not tried again; the cluster does one at a time. */
export class ClusterMembership {
  readonly #ask: AskOnce;

  constructor(dependencies: { readonly ask: AskOnce }) {
    this.#ask = dependencies.ask;
  }

  /** Announces a member. It starts with the id that it is given here, and an empty directory. */
  add({ peerUrls, isLearner = false }: NewMember, options: CallOptions = {}): Promise<MemberAddition> {
    const { MemberAddRequest, MemberAddResponse } = etcdserverpb;
    const request = MemberAddRequest.encode({ peerURLs: [...peerUrls], isLearner }).finish();
    return this.#ask({ service: "cluster", method: "memberadd" }, request, options, (payload) => {
      const response = decodeMessage("MemberAddResponse", MemberAddResponse, payload);
      const [member] = memberList({ members: response.member ? [response.member] : [] });
      return { ...changeOf(response), member: member! };
    });
  }

  /** For ever: it never comes back under its id, and ends by itself if it runs. */
  remove(id: bigint, options: CallOptions = {}): Promise<MembershipChange> {
    const request = etcdserverpb.MemberRemoveRequest.encode({ ID: wireId(id) }).finish();
    return this.#ask({ service: "cluster", method: "memberremove" }, request, options, (payload) =>
      changeOf(decodeMessage("MemberRemoveResponse", etcdserverpb.MemberRemoveResponse, payload)),
    );
  }

  /** Makes a learner a voter; refused until it has caught up. */
  promote(id: bigint, options: CallOptions = {}): Promise<MembershipChange> {
    const request = etcdserverpb.MemberPromoteRequest.encode({ ID: wireId(id) }).finish();
    return this.#ask({ service: "cluster", method: "memberpromote" }, request, options, (payload) =>
      changeOf(decodeMessage("MemberPromoteResponse", etcdserverpb.MemberPromoteResponse, payload)),
    );
  }

  /** Changes what is shown as its peer URLs. */
  update(id: bigint, peerUrls: readonly string[], options: CallOptions = {}): Promise<MembershipChange> {
    const { MemberUpdateRequest, MemberUpdateResponse } = etcdserverpb;
    const request = MemberUpdateRequest.encode({ ID: wireId(id), peerURLs: [...peerUrls] }).finish();
    return this.#ask({ service: "cluster", method: "memberupdate" }, request, options, (payload) =>
      changeOf(decodeMessage("MemberUpdateResponse", MemberUpdateResponse, payload)),
    );
  }

  /** Gives the leadership to a voter, and resolves when it leads. */
  moveLeader(id: bigint, options: CallOptions = {}): Promise<void> {
    const request = etcdserverpb.MoveLeaderRequest.encode({ targetID: wireId(id) }).finish();
    return this.#ask({ service: "maintenance", method: "moveleader" }, request, options, () => undefined);
  }
}

function changeOf(
  response: Pick<etcdserverpb.MemberListResponse.$Properties, "header" | "members">,
): MembershipChange {
  return { header: responseHeader(response), members: memberList(response) };
}
