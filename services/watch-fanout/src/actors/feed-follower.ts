import type { ActorRef } from "@quorate/actor";
import { hexId, type Clock, type Timer } from "@quorate/base";
import { traceContextOf, type Logger, type TraceContext } from "@quorate/telemetry";
import type { Headers, RequestResult, Subscription, Transport } from "@quorate/transport";
import {
  decodeFeedBatch,
  decodeFeedPosition,
  DecodeError,
  encodeFeedRequest,
  type FeedBatchMessage,
  type FeedPosition,
  type Subjects,
} from "@quorate/wire";
import { NodeDirectory, type MemberId } from "./node-directory";

export interface FeedFollowerOptions {
  /** How often the node is told that its feed is wanted, and asked where it stands, in milliseconds. */
  readonly renewMs: number;
  /** How long an answer may take; a second one missing in a row means that another node is followed. */
  readonly answerMs: number;
  /** How often nodes are looked for while there is none to follow. */
  readonly searchMs: number;
  /** How long a node that failed is passed over while there are others, in milliseconds. */
  readonly avoidMs: number;
  /** How long there may be no feed at all until that is reported. */
  readonly lostAfterMs: number;
}

export type FeedMessage =
  | { readonly kind: "feed"; readonly batch: FeedBatchMessage; readonly trace?: TraceContext | undefined }
  | { readonly kind: "position"; readonly position: FeedPosition }
  /** No node has answered for long: nobody knows what happened since. */
  | { readonly kind: "feed-lost" };

export interface FeedFollowerDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fanout: ActorRef<FeedMessage>;
}

/**
 * Follows the feed of one node, never of two: the leader's where there is a choice, because it applies first. A node that is
 * gone, does not answer, or knows no leader while another one does, is left for another.
 *
 * Positions and batches of one node come on one connection in the order in which they were sent, so a position beyond the last
 * batch means that batches were lost.
 */
export class FeedFollower {
  readonly #directory: NodeDirectory;
  readonly #status: Subscription;
  #followed: MemberId | undefined;
  #feed: Subscription | undefined;
  #timer: Timer | undefined;
  readonly #failedAt = new Map<MemberId, number>();
  #missed = 0;
  #turn = 0;
  /** Counts what is asked, so that answers to what was asked before a change are told apart. */
  #asked = 0;
  #leaderless = 0;
  #wantsEvents = false;
  #heardAt: number;
  /** When a node told last where it stands. */
  #positionAt: number | undefined;
  #closed = false;

  constructor(
    private readonly options: FeedFollowerOptions,
    private readonly dependencies: FeedFollowerDependencies,
  ) {
    const { transport, subjects, clock } = dependencies;
    this.#heardAt = clock.now();
    this.#directory = new NodeDirectory({ transport, subjects, leaderChanged: () => this.#leaderChanged() });
    this.#status = transport.onStatus((status) => {
      if (status === "connected") this.#renew();
    });
    this.#renew();
  }

  /** The node to be asked for history; `undefined` while there is none. */
  get followed(): MemberId | undefined {
    return this.#followed;
  }

  /** Whether a node is followed and has answered lately. */
  get isFed(): boolean {
    const { clock } = this.dependencies;
    return (
      this.#followed !== undefined &&
      this.#positionAt !== undefined &&
      clock.now() - this.#positionAt < this.options.lostAfterMs
    );
  }

  /** Who leads as far as is known. */
  get leader(): MemberId | undefined {
    return this.#directory.leader;
  }

  /** Whether anybody watches: without, the node is spared the work of sending events. */
  wantEvents(wanted: boolean): void {
    if (wanted === this.#wantsEvents) return;
    this.#wantsEvents = wanted;
    if (wanted && this.#followed !== undefined) this.#renew();
  }

  /** Something that `followed` was asked was not answered: see at once whether it still lives. */
  suspect(member: MemberId): void {
    if (member === this.#followed && this.#missed === 0) this.#renew();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#feed?.unsubscribe();
    this.#status.unsubscribe();
    this.#directory.close();
  }

  /** Followers apply what the leader has committed only once it tells them, so their feed is late by a message or more. */
  #leaderChanged(): void {
    const { leader } = this.#directory;
    if (this.#closed || leader === undefined || leader === this.#followed) return;
    if (this.#followed === undefined || this.#hasNotFailed(leader)) this.#follow();
  }

  /** Leaves who is followed, and follows another one if there is one. */
  #follow(): void {
    const { transport, subjects, logger } = this.dependencies;
    this.#leave();
    const chosen = this.#choose();
    this.#missed = 0;
    this.#leaderless = 0;
    if (chosen === undefined) return this.#search();
    this.#followed = chosen;
    logger.info("following the feed of a node", { member: hexId(chosen) });
    this.#feed = transport.subscribe(subjects.feed(chosen), ({ payload, headers }) =>
      this.#hear(payload, headers),
    );
    this.#renew();
  }

  /** The leader, or whoever's turn it is, of those that have not failed lately; of all if all have. */
  #choose(): MemberId | undefined {
    const { members, leader } = this.#directory;
    const hopeful = members.filter((member) => this.#hasNotFailed(member));
    if (leader !== undefined && hopeful.includes(leader)) return leader;
    const candidates = hopeful.length > 0 ? hopeful : members;
    this.#turn += 1;
    return candidates[this.#turn % Math.max(1, candidates.length)];
  }

  #hasNotFailed(member: MemberId): boolean {
    const failedAt = this.#failedAt.get(member);
    return failedAt === undefined || this.dependencies.clock.now() - failedAt >= this.options.avoidMs;
  }

  #leave(): void {
    this.#feed?.unsubscribe();
    this.#feed = undefined;
    this.#followed = undefined;
  }

  #search(): void {
    this.#checkLost();
    this.#directory.ask();
    this.#later(this.options.searchMs);
  }

  #later(ms: number): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    this.#timer = this.dependencies.clock.setTimer(ms, () => this.#renew());
  }

  #renew(): void {
    if (this.#closed) return;
    const followed = this.#followed;
    if (followed === undefined) {
      if (this.#directory.members.length > 0) return this.#follow();
      return this.#search();
    }
    const { transport, subjects } = this.dependencies;
    const { renewMs, answerMs } = this.options;
    this.#later(renewMs);
    this.#asked += 1;
    const asked = this.#asked;
    const request = encodeFeedRequest(this.#wantsEvents);
    transport.request(subjects.node(followed, "feed"), request, { timeoutMs: answerMs }, (result) => {
      if (!this.#closed && followed === this.#followed) this.#answered(followed, result, asked);
    });
  }

  #answered(followed: MemberId, result: RequestResult, asked: number): void {
    const position = result.kind === "answer" ? readable(result.payload, decodeFeedPosition) : undefined;
    if (position === undefined) {
      this.#checkLost();
      if (result.kind === "not-sent") return; // the connection is down: it is not the node's fault
      this.#missed += 1;
      if (result.kind === "no-responders" || this.#missed >= 2) this.#changeNode(followed);
      else if (asked === this.#asked) this.#renew();
      return;
    }
    this.#missed = 0;
    this.#failedAt.delete(followed);
    this.#heardAt = this.#positionAt = this.dependencies.clock.now();
    this.dependencies.fanout.tell({ kind: "position", position });
    this.#leaderless = position.leader === undefined ? this.#leaderless + 1 : 0;
    const { leader } = this.#directory;
    // It may have been cut off from the others: then whoever leads them knows more.
    if (this.#leaderless < 2) return;
    this.#directory.ask();
    if (leader !== undefined && leader !== followed) this.#changeNode(followed);
  }

  #changeNode(failed: MemberId): void {
    this.#failedAt.set(failed, this.dependencies.clock.now());
    this.#directory.ask();
    this.#leave();
    // A pause, or nodes that are all gone would be asked in a loop.
    this.#missed = 0;
    this.#later(
      this.#directory.members.some((member) => !this.#failedAt.has(member)) ? 0 : this.options.searchMs,
    );
  }

  #hear(payload: Uint8Array, headers: Headers | undefined): void {
    // The events stay in memory for a while: in memory of their own.
    const batch = readable(Uint8Array.from(payload), decodeFeedBatch);
    if (batch === undefined)
      return this.dependencies.logger.warn("a feed that cannot be read was ignored", {});
    this.dependencies.fanout.tell({ kind: "feed", batch, trace: traceContextOf(headers) });
  }

  #checkLost(): void {
    const { clock, fanout } = this.dependencies;
    if (clock.now() - this.#heardAt < this.options.lostAfterMs) return;
    this.#heardAt = clock.now();
    fanout.tell({ kind: "feed-lost" });
  }
}

function readable<T>(payload: Uint8Array, decode: (bytes: Uint8Array) => T): T | undefined {
  try {
    return decode(payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
