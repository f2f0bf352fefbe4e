import { Mailbox } from "@quorate/actor";
import { EMPTY_BYTES, type Clock, type Scheduler, type Timer } from "@quorate/base";
import { traceContextOf, type Logger, type TraceContext, type Tracer } from "@quorate/telemetry";
import {
  hasWildcard,
  isSendable,
  type InboundMessage,
  type ServiceHandle,
  type Subscription,
  type Transport,
} from "@quorate/transport";
import type { SourceId } from "@quorate/watch";
import {
  ANONYMOUS_INBOX,
  DecodeError,
  decodeWatchControl,
  decodeWatchOpen,
  SERVICE_NAME,
  SERVICE_QUEUE,
  type Subjects,
} from "@quorate/wire";
import { FanoutActor, type FanoutMessage } from "./actors/fanout-actor";
import { FeedFollower } from "./actors/feed-follower";
import { HistoryReader } from "./actors/history-reader";
import { SeatClaim } from "./actors/seat-claim";
import { SERVICE_VERSION } from "./version";

export interface FanoutOptions {
  /** Random 64 bits, different at each start. */
  readonly source: SourceId;
  /** Bytes of recent events kept in memory. */
  readonly windowBytesMax: number;
  readonly streamsMax: number;
  /** Bytes of events that one read of history asks for. */
  readonly historyChunkBytes: number;
  /** Whether it publishes changes on event subjects when its turn comes. */
  readonly eventSubjects: boolean;
}

export interface FanoutDependencies {
  /** To subscribers. */
  readonly transport: Transport;
  /** From nodes: a connection of its own, so that slow subscribers do not hold up the feed. */
  readonly feedTransport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly tracer: Tracer;
}

const QUEUE = SERVICE_QUEUE.fanout;
const DELIVERIES_MAX = 256;
const ITEM_BYTES_MAX = 256 * 1024;
const STREAM_IDLE_MS = 6000;
const TICK_MS = 1000;
/** Bytes of events on event subjects that the broker has not confirmed. */
const EVENT_WINDOW_BYTES = 4 * 1024 * 1024;
/** As long as a leader keeps the seat for one that does not ask again. */
const SEAT_HOLD_MS = 3000;
/** Far above what arrives in a turn; the transport drops what a process cannot keep up with. */
const MAILBOX_CAPACITY = 1_000_000;
const TURN_MAX = 1024;

/** A fan-out on whatever transport and time it is given. */
export class Fanout {
  readonly #actor: FanoutActor;
  readonly #mailbox: Mailbox<FanoutMessage>;
  readonly #follower: FeedFollower;
  readonly #history: HistoryReader;
  readonly #claim: SeatClaim | undefined;
  #subscriptions: Subscription[] = [];
  #service: ServiceHandle | undefined;
  #ticker: Timer | undefined;

  constructor(
    private readonly options: FanoutOptions,
    private readonly dependencies: FanoutDependencies,
  ) {
    const { feedTransport, transport, subjects, clock, scheduler, logger, tracer } = dependencies;
    this.#actor = new FanoutActor(
      {
        ...options,
        deliveriesMax: DELIVERIES_MAX,
        itemBytesMax: ITEM_BYTES_MAX,
        streamIdleMs: STREAM_IDLE_MS,
        eventWindowBytes: EVENT_WINDOW_BYTES,
      },
      {
        clock,
        logger,
        tracer,
        subjects,
        publish: (subject, payload, headers) =>
          void transport.publish(subject, payload, headers === undefined ? undefined : { headers }),
        flush: () => this.#flush(),
        refuse: (reply, text) => this.#refuse(reply, text),
        turnDone: () => {
          this.#follower.wantEvents(this.#actor.hasWatchers);
          this.#history.pump();
        },
      },
    );
    this.#mailbox = new Mailbox(
      { name: "watch-fanout", capacity: MAILBOX_CAPACITY, turnMax: TURN_MAX },
      { actor: this.#actor, scheduler },
    );
    this.#follower = new FeedFollower(
      { renewMs: 1000, answerMs: 1000, searchMs: 200, avoidMs: 3000, lostAfterMs: 5000 },
      { transport: feedTransport, subjects, clock, logger, fanout: this.#mailbox },
    );
    this.#history = new HistoryReader(
      { chunkBytes: options.historyChunkBytes, answerMs: 2000, retryMs: 100 },
      {
        transport: feedTransport,
        subjects,
        clock,
        follower: this.#follower,
        fanout: this.#mailbox,
        wanted: () => this.#actor.historyWanted(),
        trace: () => this.#actor.historyTrace,
      },
    );
    if (!options.eventSubjects) return;
    this.#claim = new SeatClaim(
      { source: options.source, renewMs: 1000, answerMs: 1000, holdMs: SEAT_HOLD_MS },
      {
        transport: feedTransport,
        subjects,
        clock,
        leader: () => this.#follower.leader,
        published: () => this.#actor.eventsPublished,
        fanout: this.#mailbox,
      },
    );
  }

  get streamCount(): number {
    return this.#actor.streamCount;
  }

  /** Whether what happens in the cluster arrives here. */
  get isFed(): boolean {
    return this.#follower.isFed;
  }

  /** Resolves once applications can find it; it serves gateways at once. */
  async start(): Promise<void> {
    const { transport, subjects } = this.dependencies;
    const { source } = this.options;
    const control = (message: InboundMessage): void => this.#control(message);
    this.#subscriptions = [
      transport.subscribe(subjects.watchOpen, (message) => this.#open(message, false), { queue: QUEUE }),
      transport.subscribe(subjects.watchControl(source), control),
      transport.subscribe(subjects.watchStream(source), control),
    ];
    this.#tick();
    this.#service = await transport.serve({
      name: SERVICE_NAME.fanout,
      version: SERVICE_VERSION,
      description:
        "Watch streams of a Quorate cluster: every change of the keys asked for, in order, from any revision.",
      queue: QUEUE,
      endpoints: [
        {
          name: "create",
          subject: subjects.api("watch", "create"),
          handler: (message) => this.#open(message, true),
        },
      ],
    });
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#ticker?.cancel();
    this.#follower.close();
    this.#history.close();
    this.#claim?.close();
    this.#mailbox.close();
    await this.#service?.stop();
  }

  #tick(): void {
    this.#ticker = this.dependencies.clock.setTimer(TICK_MS, () => {
      this.#mailbox.tell({ kind: "tick" });
      this.#tick();
    });
  }

  /** The broker has everything that was published before it answers this. */
  #flush(): void {
    const tell = (arrived: boolean): void => this.#mailbox.tell({ kind: "flushed", arrived });
    this.dependencies.transport.flush().then(
      () => tell(true),
      () => tell(false), // not connected, or the connection broke: what was published may be lost
    );
  }

  #traceOf({ headers }: InboundMessage): TraceContext | undefined {
    return this.dependencies.tracer.enabled ? traceContextOf(headers) : undefined;
  }

  #open(message: InboundMessage, isPublic: boolean): void {
    const { payload, reply } = message;
    if (reply === undefined) return;
    const open = decoded(payload, decodeWatchOpen);
    if (open === undefined) return this.#refuse(reply, "the request is no WatchOpen", 3);
    // Only the subjects that clients make up for themselves: a stream must not be pointed at anybody else's.
    const inboxes = [`${ANONYMOUS_INBOX}.`, this.dependencies.subjects.inbox("")];
    if (isPublic && !inboxes.some((prefix) => open.deliver.startsWith(prefix)))
      return this.#refuse(reply, `deliver must begin with ${inboxes.join(" or ")}`, 3);
    if (!isSendable(open.deliver) || hasWildcard(open.deliver))
      return this.#refuse(reply, "deliver must be a subject", 3);
    this.#mailbox.tell({ kind: "open", open, reply, trace: this.#traceOf(message) });
  }

  #control(message: InboundMessage): void {
    const { payload, reply } = message;
    const control = decoded(payload, decodeWatchControl);
    if (control === undefined) return;
    this.#mailbox.tell({ kind: "control", control, reply, trace: this.#traceOf(message) });
  }

  /** @param code gRPC's; 14 is "unavailable", which is worth another attempt. */
  #refuse(reply: string, text: string, code = 14): void {
    const headers = { "Nats-Service-Error-Code": String(code), "Nats-Service-Error": text };
    this.dependencies.transport.publish(reply, EMPTY_BYTES, { headers });
  }
}

/** What it holds is kept beyond the handler, so it is decoded from memory of its own. */
function decoded<T>(payload: Uint8Array, decode: (bytes: Uint8Array) => T): T | undefined {
  try {
    return decode(Uint8Array.from(payload));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
