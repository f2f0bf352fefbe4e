import type { ActorRef } from "@quorate/actor";
import { hexId } from "@quorate/base";
import type { Envelope, MemberId, Message } from "@quorate/raft";
import { CLUSTER_VERSION_FIRST } from "@quorate/state-machine";
import type { Logger } from "@quorate/telemetry";
import type { InboundMessage, Subscription, Transport } from "@quorate/transport";
import {
  decodePeerEnvelope,
  encodePeerEnvelope,
  type EffectDigest,
  type IntegrityNote,
  type PeerEnvelope,
  type Subjects,
} from "@quorate/wire";
import type { RaftMessage } from "./actors/raft-actor";

export interface PeerLinkOptions {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly incarnation: number;
  /** Random per start, 32 bits. */
  readonly bootNonce: number;
  /** Bytes of entries after which a publish is cut, so that one never needs fragments because of the next. */
  readonly publishBytesMax: number;
  /** The highest cluster version that this member can apply. */
  readonly clusterVersionMax: number;
}

export interface PeerLinkDependencies {
  readonly subjects: Subjects;
  readonly transport: Transport;
  readonly raft: ActorRef<RaftMessage>;
  readonly logger: Logger;
  /** `by` knows from its applied state that this member was removed. */
  readonly toldRemoved: (by: MemberId) => void;
  /** The cluster of `by` is at a version that this member cannot apply. */
  readonly outdated: (by: MemberId, clusterVersion: number) => void;
  /** What is said of the soundness of data travels with Raft's messages, but is not for Raft. */
  readonly integrity: {
    digest(): EffectDigest | undefined;
    heard(from: MemberId, incarnation: number, note: IntegrityNote): void;
  };
}

interface SenderSeen {
  /** On which it speaks to this member; kept, since it is looked at for every message. */
  readonly subject: string;
  readonly incarnation: number;
  readonly bootNonce: number;
  readonly clusterVersionMax: number;
}

const GROUP = 0;
const SEEKING: readonly Message["kind"][] = ["pre-vote", "vote", "read-index"];

/**
 * Raft messages over the broker: one publish per peer and turn. What arrives is believed only if cluster, group, receiver,
 * version and the `<from>` of the subject agree with the envelope (the broker's permissions bind that token to its
 * sender), and if it comes from the newest start of the sender that was seen.
 */
export class PeerLink {
  readonly #senders = new Map<MemberId, SenderSeen>();
  #removed: ReadonlySet<MemberId> = new Set();
  #clusterVersion = CLUSTER_VERSION_FIRST;
  #subscription: Subscription | undefined;
  #dropped = 0;

  constructor(
    private readonly options: PeerLinkOptions,
    private readonly dependencies: PeerLinkDependencies,
  ) {}

  /** Envelopes that were not believed or not understood, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  start(): void {
    const { transport, subjects } = this.dependencies;
    const inbox = subjects.raftFromAny(this.options.memberId);
    this.#subscription = transport.subscribe(inbox, (message) => this.#receive(message));
  }

  stop(): void {
    this.#subscription?.unsubscribe();
  }

  /** @param members Who is no member any more, and never will be. */
  removed(members: readonly MemberId[]): void {
    this.#removed = new Set(members);
  }

  /** @param version By which rules this member applies entries now. */
  clusterVersion(version: number): void {
    this.#clusterVersion = version;
  }

  /** The highest cluster version that `member` can apply, as its newest start says; `undefined` before it was heard. */
  clusterVersionMaxOf(member: MemberId): number | undefined {
    return this.#senders.get(member)?.clusterVersionMax;
  }

  /** Asks `to` whether it knows that this member was removed. Says nothing to one that does not. */
  askRemoved(to: MemberId): void {
    this.#publish(to, []);
  }

  note(to: MemberId, integrity: IntegrityNote): void {
    this.#publish(to, [], { integrity });
  }

  send(envelopes: readonly Envelope[]): void {
    for (const [to, messages] of groupByReceiver(envelopes)) {
      for (const part of split(messages, this.options.publishBytesMax)) {
        if (!this.#publish(to, part, this.#beside(part)))
          this.dependencies.raft.tell({ kind: "unreachable", member: to });
      }
    }
  }

  /** A leader learns with each heartbeat where its followers' states stand. */
  #beside(messages: readonly Message[]): Pick<PeerEnvelope, "integrity"> {
    if (!messages.some(({ kind }) => kind === "heartbeat-response")) return {};
    const effects = this.dependencies.integrity.digest();
    return effects === undefined ? {} : { integrity: { effects } };
  }

  #publish(
    to: MemberId,
    messages: readonly Message[],
    beside: Pick<PeerEnvelope, "receiverRemoved" | "integrity"> = {},
  ): boolean {
    const { transport, subjects } = this.dependencies;
    const { clusterId, memberId, incarnation, bootNonce, clusterVersionMax } = this.options;
    const payload = encodePeerEnvelope({
      clusterId,
      from: memberId,
      to,
      incarnation,
      bootNonce,
      group: GROUP,
      messages,
      clusterVersion: this.#clusterVersion,
      clusterVersionMax,
      ...beside,
    });
    return transport.publish(subjects.raft(memberId, to), payload);
  }

  #receive(inbound: InboundMessage): void {
    let envelope: PeerEnvelope;
    try {
      envelope = decodePeerEnvelope(inbound.payload);
    } catch (error) {
      return this.#drop(inbound.subject, `undecodable: ${(error as Error).message}`);
    }
    const why = this.#objection(envelope, inbound.subject);
    if (why !== undefined) return this.#drop(inbound.subject, why);
    const { from, incarnation, messages, integrity, clusterVersion = CLUSTER_VERSION_FIRST } = envelope;
    if (clusterVersion > this.options.clusterVersionMax)
      return this.dependencies.outdated(from, clusterVersion);
    if (envelope.unreadable === true)
      return this.#drop(inbound.subject, "its format is not known: is the sender newer?");
    if (envelope.receiverRemoved === true) return this.dependencies.toldRemoved(from);
    // A removed member that missed its removal looks for a leader: it shall not disturb, and learns why nobody answers.
    // Whatever else it sends may still be of use, such as the last words of a leader that removed itself.
    const asks = messages.length === 0 || messages.some(({ kind }) => SEEKING.includes(kind));
    if (this.#removed.has(from) && asks) {
      this.#publish(from, [], { receiverRemoved: true });
      return;
    }
    if (integrity !== undefined) this.dependencies.integrity.heard(from, incarnation, integrity);
    this.dependencies.raft.tell({ kind: "peer", from, incarnation, messages });
  }

  #objection(envelope: PeerEnvelope, subject: string): string | undefined {
    const { clusterId, memberId } = this.options;
    if (envelope.clusterId !== clusterId) return `it is of cluster ${hexId(envelope.clusterId)}`;
    if (envelope.to !== memberId) return `it is for member ${hexId(envelope.to)}`;
    if (envelope.group !== GROUP) return `it is of group ${envelope.group}`;
    const seen = this.#senders.get(envelope.from);
    if (subject !== (seen?.subject ?? this.dependencies.subjects.raft(envelope.from, memberId)))
      return "its sender is not that of its subject";
    const { clusterVersionMax = CLUSTER_VERSION_FIRST } = envelope;
    if (seen !== undefined && envelope.incarnation < seen.incarnation)
      return "a newer start of its sender was seen";
    if (seen?.incarnation === envelope.incarnation) {
      // Two processes (a cloned directory, say) speak as one member: neither can be told to be the right one.
      return seen.bootNonce === envelope.bootNonce
        ? undefined
        : "two processes use the identity of its sender";
    }
    const { incarnation, bootNonce } = envelope;
    this.#senders.set(envelope.from, { subject, incarnation, bootNonce, clusterVersionMax });
    return undefined;
  }

  #drop(subject: string, why: string): void {
    this.#dropped += 1;
    // Powers of two only: a misconfigured peer repeats itself many times a second.
    if ((this.#dropped & (this.#dropped - 1)) === 0) {
      this.dependencies.logger.warn("dropped a peer message", { subject, why, dropped: this.#dropped });
    }
  }
}

function groupByReceiver(envelopes: readonly Envelope[]): Map<MemberId, Message[]> {
  const groups = new Map<MemberId, Message[]>();
  for (const { to, message } of envelopes) {
    const group = groups.get(to);
    if (group === undefined) groups.set(to, [message]);
    else group.push(message);
  }
  return groups;
}

function* split(messages: readonly Message[], bytesMax: number): Generator<readonly Message[]> {
  let start = 0;
  let bytes = 0;
  for (let at = 0; at < messages.length; at += 1) {
    const size = entryBytes(messages[at]!);
    if (at > start && bytes + size > bytesMax) {
      yield messages.slice(start, at);
      start = at;
      bytes = 0;
    }
    bytes += size;
  }
  yield start === 0 ? messages : messages.slice(start);
}

function entryBytes(message: Message): number {
  if (message.kind !== "append") return 0;
  let bytes = 0;
  for (const entry of message.entries) bytes += entry.data.length;
  return bytes;
}
