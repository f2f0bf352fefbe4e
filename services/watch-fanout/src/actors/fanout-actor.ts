import type { Actor } from "@quorate/actor";
import { assertNever, type Clock } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { Logger, TraceContext, Tracer } from "@quorate/telemetry";
import type { Headers } from "@quorate/transport";
import {
  WatchHub,
  type SourceId,
  type StreamId,
  type WatchDelivery,
  type WatchHubOptions,
} from "@quorate/watch";
import {
  encodeWatchDelivery,
  encodeWatchOpened,
  type FeedPosition,
  type WatchControl,
  type WatchOpen,
  type Subjects,
  type WatchOrigin,
} from "@quorate/wire";
import { EVENT_STREAM, EventPublisher, type EventPublisherMessage } from "./event-publisher";
import { FanoutSpans } from "./fanout-spans";
import type { FeedMessage } from "./feed-follower";
import type { HistoryMessage } from "./history-reader";

export type FanoutMessage =
  | FeedMessage
  | HistoryMessage
  | EventPublisherMessage
  | {
      readonly kind: "open";
      readonly open: WatchOpen;
      readonly reply: string;
      readonly trace: TraceContext | undefined;
    }
  | {
      readonly kind: "control";
      readonly control: WatchControl;
      readonly reply: string | undefined;
      readonly trace: TraceContext | undefined;
    }
  /** Time has passed: whoever was silent for too long is gone. */
  | { readonly kind: "tick" };

export interface FanoutActorOptions extends WatchHubOptions {
  /** Random 64 bits per start. */
  readonly source: SourceId;
  /** How long a subscriber may be silent, in milliseconds. */
  readonly streamIdleMs: number;
  /** Streams served at once; more are refused, and asked for elsewhere. */
  readonly streamsMax: number;
  /** Bytes of events on event subjects that the broker has not confirmed. */
  readonly eventWindowBytes: number;
}

export interface FanoutActorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly subjects: Subjects;
  readonly publish: (subject: string, payload: Uint8Array, headers?: Headers) => void;
  /** Asks the broker to confirm what was published; answered by "flushed". */
  readonly flush: () => void;
  /** Tells a subscriber that it must ask elsewhere, or later. */
  readonly refuse: (reply: string, text: string) => void;
  /** Called after each turn: whoever reads history may have a reason to. */
  readonly turnDone: () => void;
}

interface Stream {
  readonly deliver: string;
  heardAt: number;
}

/** Bounds on what a subscriber may ask to have under way. */
const STREAM_WINDOW_BYTES = { min: 1024, max: 16 * 1024 * 1024 };

/**
 * The streams of all subscribers around the hub that matches events to them. What a turn brings to a stream leaves as one
 * message. While no node is followed there is no hub: streams are refused, and those that were served are told so when they
 * ask, because another fan-out may be better off.
 */
export class FanoutActor implements Actor<FanoutMessage> {
  readonly #streams = new Map<StreamId, Stream>();
  readonly #events: EventPublisher;
  readonly #spans: FanoutSpans;
  #hub: WatchHub | undefined;
  #origin: WatchOrigin = { clusterId: 0n, memberId: 0n, term: 0 };
  /** Questions of this turn, to be answered behind everything that it delivers. */
  #questions: { readonly stream: StreamId; readonly reply: string }[] = [];

  constructor(
    private readonly options: FanoutActorOptions,
    private readonly dependencies: FanoutActorDependencies,
  ) {
    this.#spans = new FanoutSpans(dependencies);
    this.#events = new EventPublisher({ windowBytes: options.eventWindowBytes }, dependencies);
  }

  /** From where on history is to be read, if it is. */
  historyWanted(): Revision | undefined {
    return this.#hub?.historyWanted();
  }

  get hasWatchers(): boolean {
    return this.#hub !== undefined && this.#hub.watcherCount > 0;
  }

  /** How far changes have been published on event subjects, by whomever, as far as is known. */
  get eventsPublished(): Revision {
    return this.#events.published;
  }

  /** Of a watcher that history is read for, if one is traced. */
  get historyTrace(): TraceContext | undefined {
    return this.#spans.catchingUp;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  receive(message: FanoutMessage): void {
    switch (message.kind) {
      case "feed": {
        const { batch, trace } = message;
        if (trace !== undefined) this.#spans.fed(trace);
        this.#origin = { ...this.#origin, term: Math.max(this.#origin.term, batch.term) };
        if (!batch.bare) return this.#hub?.feed(batch);
        this.#hub?.skipTo(batch.revision); // whoever began to watch meanwhile gets it from history
        return this.#hub?.compacted(batch.compactRevision);
      }
      case "position":
        return this.#moveTo(message.position);
      case "feed-lost":
        return this.#forgetAll();
      case "history":
        return this.#history(message);
      case "open":
        this.#open(message.open, message.reply);
        return this.#spans.created(message.open.stream, message.trace);
      case "control":
        this.#control(message.control, message.reply);
        return this.#spans.created(message.control.stream, message.trace);
      case "seat":
        return this.#events.seat(this.#hub, message);
      case "flushed":
        return this.#events.flushed(this.#hub, message.arrived);
      case "tick":
        return this.#dropSilent();
      default:
        return assertNever(message);
    }
  }

  turnEnded(): void {
    const deliveries = this.#hub?.takeDeliveries() ?? [];
    for (const delivery of deliveries) this.#deliver(delivery);
    this.#spans.turnEnded(deliveries.length, (id) => this.#hub?.isBehind(id) ?? false);
    const questions = this.#questions;
    this.#questions = [];
    for (const { stream, reply } of questions) this.#answer(stream, reply);
    this.dependencies.turnDone();
  }

  #moveTo(position: FeedPosition): void {
    const { clusterId, memberId, term, revision, compactRevision } = position;
    this.#origin = { clusterId, memberId, term };
    if (this.#hub === undefined) {
      this.dependencies.logger.info("serving watches", { revision });
      this.#hub = new WatchHub(this.options, position);
      return;
    }
    if (revision > this.#hub.revision) {
      this.dependencies.logger.info("the feed has a gap; going on with history", {
        from: this.#hub.revision,
        to: revision,
      });
    }
    this.#hub.skipTo(revision);
    this.#hub.compacted(compactRevision);
  }

  #forgetAll(): void {
    if (this.#hub === undefined) return;
    this.dependencies.logger.warn("no node answers: streams are given up", { streams: this.#streams.size });
    this.#hub = undefined;
    this.#events.hubLost();
    this.#streams.clear();
  }

  #history({ from, response }: HistoryMessage): void {
    if (response.kind === "compacted") return this.#hub?.historyCompacted(response.compactRevision);
    if (response.next > from) this.#hub?.history({ from, next: response.next, events: response.events });
  }

  #open(open: WatchOpen, reply: string): void {
    const { publish, refuse, clock } = this.dependencies;
    const { source, streamsMax } = this.options;
    if (this.#hub === undefined) return refuse(reply, "no node is followed");
    if (open.stream === EVENT_STREAM) return refuse(reply, "stream 0 is the fan-out's own");
    if (!this.#hub.has(open.stream)) {
      if (this.#streams.size >= streamsMax) return refuse(reply, "too many streams");
      const { min, max } = STREAM_WINDOW_BYTES;
      this.#hub.open(open.stream, Math.max(min, Math.min(max, open.windowBytes)));
      this.#streams.set(open.stream, { deliver: open.deliver, heardAt: clock.now() });
    }
    this.#hub.command(open.stream, 1, open.commands);
    publish(reply, encodeWatchOpened(source));
  }

  #control(control: WatchControl, reply: string | undefined): void {
    const { stream: id, ack, firstCommand, commands, close } = control;
    const stream = this.#streams.get(id);
    if (stream !== undefined && this.#hub !== undefined) {
      stream.heardAt = this.dependencies.clock.now();
      if (close) this.#close(id);
      else {
        this.#hub.acknowledge(id, ack);
        this.#hub.command(id, firstCommand, commands);
      }
    }
    if (reply !== undefined && !close) this.#questions.push({ stream: id, reply });
  }

  #answer(id: StreamId, reply: string): void {
    const { source } = this.options;
    const delivery = this.#hub?.position(id);
    const { publish } = this.dependencies;
    if (delivery === undefined)
      return publish(reply, encodeWatchDelivery({ kind: "unknown", source, stream: id }));
    publish(reply, encodeWatchDelivery({ kind: "delivery", source, origin: this.#origin, delivery }));
  }

  #deliver(delivery: WatchDelivery): void {
    if (delivery.stream === EVENT_STREAM) return this.#events.deliver(this.#hub!, delivery);
    const stream = this.#streams.get(delivery.stream);
    if (stream === undefined) return;
    const { source } = this.options;
    this.dependencies.publish(
      stream.deliver,
      encodeWatchDelivery({ kind: "delivery", source, origin: this.#origin, delivery }),
    );
  }

  #dropSilent(): void {
    const before = this.dependencies.clock.now() - this.options.streamIdleMs;
    for (const [id, { heardAt }] of this.#streams) if (heardAt < before) this.#close(id);
  }

  #close(id: StreamId): void {
    this.#hub?.close(id);
    this.#streams.delete(id);
  }
}
