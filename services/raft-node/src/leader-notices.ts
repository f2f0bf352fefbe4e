import { hexId } from "@quorate/base";
import type { MemberId, Term } from "@quorate/raft";
import type { Subscription, Transport } from "@quorate/transport";
import {
  DecodeError,
  decodeLeaderNotice,
  encodeLeaderNotice,
  type LeaderNotice,
  type NodeMember,
  type Subjects,
} from "@quorate/wire";

export interface LeaderNoticesOptions {
  readonly self: NodeMember;
  /** With whom the cluster began, as far as the options say; nobody, if this member joins. */
  readonly members: readonly NodeMember[];
  /** The term that this member knew of when it was started. */
  readonly startedIn: Term;
}

/**
 * Tells everyone who leads: on every change, and whenever someone asks by an empty message on the same subject. A notice
 * also says what its sender is called and where its clients connect, so that every member can list all of them.
 */
export class LeaderNotices {
  /** What members say of themselves, or what the options say. */
  readonly #members = new Map<bigint, NodeMember>();
  /** Who is a member, once the cluster has written that down. */
  #known: readonly NodeMember[] | undefined;
  #leadership: { readonly term: Term; readonly leader: MemberId | undefined };
  #subscription: Subscription | undefined;

  constructor(
    private readonly options: LeaderNoticesOptions,
    private readonly dependencies: { readonly transport: Transport; readonly subjects: Subjects },
  ) {
    this.#leadership = { term: options.startedIn, leader: undefined };
    for (const member of options.members) this.#members.set(member.id, member);
    this.#members.set(options.self.id, options.self);
  }

  /** In the order of their ids, as etcd lists them. */
  members(): NodeMember[] {
    return [...(this.#known ?? this.#told())];
  }

  /** The membership as it is applied: from now on it alone says who is a member. */
  membership(members: readonly NodeMember[]): void {
    this.#known = members;
    const ids = new Set<bigint>(members.map(({ id }) => id));
    for (const id of this.#members.keys()) if (!ids.has(id)) this.#members.delete(id);
  }

  /** To be called before any door opens: whoever was answered by this start of the member knows that it leads no more. */
  start(): void {
    const { transport, subjects } = this.dependencies;
    this.#subscription = transport.subscribe(subjects.leader, ({ payload, reply }) => {
      if (payload.length === 0) this.#publish(reply ?? subjects.leader);
      else this.#learn(payload);
    });
    this.#publish(subjects.leader);
    // Ask, so that the others introduce themselves.
    transport.publish(subjects.leader, new Uint8Array(0));
  }

  stop(): void {
    this.#subscription?.unsubscribe();
  }

  changed(leadership: { readonly term: Term; readonly leader: MemberId | undefined }): void {
    this.#leadership = leadership;
    this.#publish(this.dependencies.subjects.leader);
  }

  /** After the broker came back: what was said meanwhile was lost. */
  repeat(): void {
    this.#publish(this.dependencies.subjects.leader);
  }

  #publish(subject: string): void {
    const { term, leader } = this.#leadership;
    const notice = encodeLeaderNotice({
      sender: this.options.self.id,
      term,
      leader,
      member: this.options.self,
    });
    this.dependencies.transport.publish(subject, notice);
  }

  /** As far as the options tell. Who joins was told of nobody, and must not pass for the whole cluster. */
  #told(): NodeMember[] {
    if (this.options.members.length === 0) return [];
    return [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #isMember(id: bigint): boolean {
    return this.#known === undefined ? this.#members.has(id) : this.#known.some((member) => member.id === id);
  }

  #learn(payload: Uint8Array): void {
    let notice: LeaderNotice;
    try {
      notice = decodeLeaderNotice(payload);
    } catch (error) {
      if (error instanceof DecodeError) return; // anyone may publish here; it only costs a line in a list
      throw error;
    }
    const { member } = notice;
    if (member !== undefined && this.#isMember(member.id)) this.#members.set(member.id, member);
  }
}

export function describeLeader(leader: MemberId | undefined): string {
  return leader === undefined ? "none" : hexId(leader);
}
