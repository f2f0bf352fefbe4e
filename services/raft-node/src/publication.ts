import type { MemberId } from "@quorate/raft";
import { SINCE, type Membership } from "@quorate/state-machine";
import type { Transport } from "@quorate/transport";
import { encodeMembershipOrder, type NodeMember, type Subjects } from "@quorate/wire";

export interface PublicationDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly leader: () => MemberId | undefined;
}

/** How long the leader is given to answer, in milliseconds. Asking twice does no harm. */
const ANSWER_MS = 2000;

/**
 * Writes down in the log what this member is called, where its clients connect and which cluster version it can apply, once it
 * has started: until then others list it as one that is not. It asks the leader again and again, until applied state says so.
 */
export class Publication {
  #isDue = false;
  #asking = false;

  constructor(
    private readonly options: { readonly self: NodeMember; readonly clusterVersionMax: number },
    private readonly dependencies: PublicationDependencies,
  ) {}

  applied(membership: Membership): void {
    const { self, clusterVersionMax } = this.options;
    const isMember = membership.members.some(({ id }) => id === self.id);
    this.#isDue = isMember && !isPublished({ ...self, clusterVersionMax }, membership);
    // The leader takes one change at a time: when one is done it is the turn of the next.
    this.tick();
  }

  tick(): void {
    const { transport, subjects } = this.dependencies;
    const leader = this.#isDue && !this.#asking ? this.dependencies.leader() : undefined;
    if (leader === undefined) return;
    const { self, clusterVersionMax } = this.options;
    const { id, name, clientUrls } = self;
    const change = { kind: "publish", id, name, clientUrls, clusterVersionMax } as const;
    const payload = encodeMembershipOrder({
      order: { kind: "change", request: { changeId: 0n, change } },
      skipHealthCheck: false,
    });
    this.#asking = true;
    transport.request(subjects.node(leader, "membership"), payload, { timeoutMs: ANSWER_MS }, () => {
      this.#asking = false;
    });
  }
}

/** Whether the log says that of a member already: a leader is asked again and again by one that lags behind. */
export function isPublished(
  member: Pick<NodeMember, "id" | "name" | "clientUrls"> & { readonly clusterVersionMax: number },
  membership: Membership,
): boolean {
  const publishesVersions = membership.clusterVersion >= SINCE.publishedVersions;
  const known = membership.members.find(({ id }) => id === member.id);
  return (
    known !== undefined &&
    known.name === member.name &&
    known.clientUrls.join() === member.clientUrls.join() &&
    (!publishesVersions || known.clusterVersionMax === member.clusterVersionMax)
  );
}
