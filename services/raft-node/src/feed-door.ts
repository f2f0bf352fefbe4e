import type { ActorRef } from "@quorate/actor";
import type { Clock, Timer } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { MemberId } from "@quorate/raft";
import { traceContextOf, traceHeaders, type Span, type TraceContext, type Tracer } from "@quorate/telemetry";
import type { Headers, InboundMessage, Subscription, Transport } from "@quorate/transport";
import {
  DecodeError,
  decodeEventSeatRequest,
  decodeFeedRequest,
  decodeHistoryRequest,
  encodeEventSeatAnswer,
  encodeFeedPosition,
  type EventSeatAnswer,
  type Subjects,
} from "@quorate/wire";
import type { ApplierMessage, FeedMode, FeedReport } from "./actors/applier-actor";
import type { NodeView } from "./actors/raft-actor";
import { EventSeat } from "./event-seat";

export interface FeedDoorOptions {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** How long the feed goes on after it was last asked for, in milliseconds. */
  readonly interestMs: number;
  /** How long the publisher of event subjects may be silent until another fan-out is chosen, in milliseconds. */
  readonly seatHoldMs: number;
  /** Reads of history that may wait at once; more are not answered, and asked for again. */
  readonly historyReadsMax: number;
}

export interface FeedDoorDependencies {
  /** A connection of its own: what waits for a slow fan-out must not stand in the way of Raft. */
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly applier: ActorRef<ApplierMessage>;
  readonly view: () => NodeView;
}

/**
 * What watch fan-outs get from this node: the feed of what it applies, while one of them wants it, history, and, of the
 * leader, the word on which of them publishes event subjects.
 *
 * Whoever asks for the feed is told where it stands. That is never beyond what was published, as the applier reports a batch
 * before it reports that the batch was applied.
 */
export class FeedDoor {
  #subscriptions: Subscription[] = [];
  readonly #seat: EventSeat;
  readonly #histories = new Map<number, { readonly reply: string; readonly span: Span | undefined }>();
  /** Of a sampled request in the batch that is reported next: who delivers it to watchers adds to its trace. */
  nextTrace: TraceContext | undefined;
  #nextHistory = 1;
  #published = 0 as Revision;
  /** How long somebody wants to know where the store stands, and how long somebody wants events. */
  #bareUntil = -Infinity;
  #fullUntil = -Infinity;
  #mode: FeedMode = "off";
  #expiry: Timer | undefined;

  constructor(
    private readonly options: FeedDoorOptions,
    private readonly dependencies: FeedDoorDependencies,
  ) {
    this.#seat = new EventSeat({ holdMs: options.seatHoldMs });
  }

  open(): void {
    const { memberId } = this.options;
    const { transport, subjects } = this.dependencies;
    this.#subscriptions = [
      transport.subscribe(subjects.node(memberId, "feed"), (message) => this.#renew(message)),
      transport.subscribe(subjects.node(memberId, "history"), (message) => this.#history(message)),
      transport.subscribe(subjects.node(memberId, "seat"), (message) => this.#askSeat(message)),
    ];
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
    this.#expiry?.cancel();
    this.#histories.clear();
  }

  report(report: FeedReport): void {
    const { transport, subjects } = this.dependencies;
    if (report.kind === "feed") {
      this.#published = report.revision;
      const headers = traceHeaders(this.nextTrace);
      this.nextTrace = undefined;
      transport.publish(subjects.feed(this.options.memberId), report.batch, headers && { headers });
      return;
    }
    const asked = this.#histories.get(report.id);
    if (asked === undefined) return;
    this.#histories.delete(report.id);
    asked.span?.end();
    transport.publish(asked.reply, report.response);
  }

  #renew({ payload, reply }: InboundMessage): void {
    const { clock, transport, view } = this.dependencies;
    const { clusterId, memberId, interestMs } = this.options;
    const until = clock.now() + interestMs;
    this.#bareUntil = until;
    if (wantsEvents(payload)) this.#fullUntil = until;
    this.#setMode();
    if (reply === undefined) return;
    const { raft, position } = view();
    const revision = Math.max(position.revision, this.#published) as Revision;
    const { compactRevision } = position;
    const { term, leader } = raft;
    transport.publish(
      reply,
      encodeFeedPosition({ clusterId, memberId, term, leader, revision, compactRevision }),
    );
  }

  /** Full while somebody wants events, bare while somebody only wants to know where the store stands. */
  #setMode(): void {
    const { clock, applier } = this.dependencies;
    const now = clock.now();
    const mode = this.#fullUntil > now ? "full" : this.#bareUntil > now ? "bare" : "off";
    if (mode !== this.#mode) applier.tell({ kind: "feed", mode });
    this.#mode = mode;
    this.#expiry?.cancel();
    this.#expiry = undefined;
    if (mode === "off") return;
    const next = mode === "full" ? this.#fullUntil : this.#bareUntil;
    this.#expiry = clock.setTimer(next - now, () => this.#setMode());
  }

  #askSeat({ payload, reply }: InboundMessage): void {
    if (reply === undefined) return;
    const answer = this.#seatAnswer(payload);
    if (answer !== undefined) this.dependencies.transport.publish(reply, encodeEventSeatAnswer(answer));
  }

  /** `undefined`: the sender is at fault, and will ask again. */
  #seatAnswer(payload: Uint8Array): EventSeatAnswer | undefined {
    const { view, clock } = this.dependencies;
    const { role, term } = view().raft;
    if (role !== "leader") return { holder: undefined, published: 0 as Revision };
    try {
      return this.#seat.ask(decodeEventSeatRequest(payload), term, clock.now());
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #history({ payload, reply, headers }: InboundMessage): void {
    if (reply === undefined || this.#histories.size >= this.options.historyReadsMax) return;
    const request = Uint8Array.from(payload);
    try {
      decodeHistoryRequest(request);
    } catch (error) {
      if (error instanceof DecodeError) return;
      throw error;
    }
    const id = this.#nextHistory;
    this.#nextHistory += 1;
    this.#histories.set(id, { reply, span: this.#historySpan(headers) });
    this.dependencies.applier.tell({ kind: "history", id, request });
  }

  #historySpan(headers: Headers | undefined): Span | undefined {
    const { tracer } = this.dependencies;
    if (!tracer.enabled || headers === undefined) return undefined;
    return tracer.startSpan("raft-node history", traceContextOf(headers), undefined, { kind: "server" });
  }
}

/** Who cannot be understood wants what costs least. */
function wantsEvents(payload: Uint8Array): boolean {
  try {
    return decodeFeedRequest(payload);
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}
