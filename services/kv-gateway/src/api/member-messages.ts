import { etcdserverpb, wireId, type NodeMember } from "@quorate/wire";
import type { MemberId } from "../actors/leader-view";

/** How members are shown. */
export interface MemberView {
  /** The member that the gateway stands for. */
  readonly homeMember: MemberId | undefined;
  /** Shown for the home member if it knows no client URL itself. */
  readonly advertiseClientUrls: readonly string[];
}

/** In the order of their ids, as etcd lists them. */
export function memberMessages(
  members: readonly NodeMember[],
  view: MemberView,
): etcdserverpb.Member.$Properties[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : 1)).map((member) => memberMessage(member, view));
}

function memberMessage(
  { id, name, peerUrls, clientUrls, learner }: NodeMember,
  { homeMember, advertiseClientUrls }: MemberView,
): etcdserverpb.Member.$Properties {
  return {
    ID: wireId(id),
    name,
    peerURLs: [...peerUrls],
    clientURLs: id === homeMember && clientUrls.length === 0 ? [...advertiseClientUrls] : [...clientUrls],
    isLearner: learner,
  };
}
