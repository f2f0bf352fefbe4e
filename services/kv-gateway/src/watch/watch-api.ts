import { WatchConnection } from "@quorate/client";
import type { Clock, Prng, Scheduler } from "@quorate/base";
import { parseTraceContext, type Tracer } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import type { StreamId } from "@quorate/watch";
import type { AnswerAs, Subjects } from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { NewestRevision } from "../actors/newest-revision";
import type { NodeQueries } from "../actors/node-queries";
import { definite } from "../api/request-failure";
import { LeaderProbe } from "./leader-probe";
import { WatchStream, type WatchSink } from "./watch-stream";

export interface WatchApiOptions {
  /** Random 64 bits, different at each start: part of the subjects that this gateway's streams are delivered to. */
  readonly gateway: bigint;
  /** How often watchers that asked for it are told of progress, in milliseconds; up to a tenth more, drawn per stream. */
  readonly progressNotifyMs: number;
  /** The nodes' minimum election timeout: how often a stream that needs a leader looks for one. */
  readonly electionTimeoutMs: number;
  /** A response is split above this many bytes, where the client agreed to it. */
  readonly fragmentBytes: number;
  /** Bytes of events that may be under way to one stream, or wait for its client. */
  readonly streamWindowBytes: number;
  /** Watchers of one stream. */
  readonly streamWatchersMax: number;
}

export interface WatchApiDependencies {
  /** A connection of its own: what watchers get must not hold up requests. */
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly tracer: Tracer;
  readonly tracker: LeaderTracker;
  readonly queries: NodeQueries;
  /** The member that responses are to name. */
  readonly answerAs: () => AnswerAs;
  readonly newest: Pick<NewestRevision, "value">;
}

const HEARTBEAT_MS = 1000;
const ANSWER_MS = 1000;

/** Opens watch streams, each on a connection of its own to a fan-out. */
export class WatchApi {
  readonly #streams = new Set<WatchStream>();
  readonly #probe: LeaderProbe;
  #opened = 0;

  constructor(
    private readonly options: WatchApiOptions,
    private readonly dependencies: WatchApiDependencies,
  ) {
    this.#probe = new LeaderProbe({ intervalMs: options.electionTimeoutMs }, dependencies);
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** @param requireLeader End the stream when there has been no leader for three election timeouts, or is none now. @param traceparent The caller's W3C trace context. */
  open(sink: WatchSink, requireLeader: boolean, traceparent?: string): WatchStream | undefined {
    const { prng, tracker, clock, tracer, answerAs, newest } = this.dependencies;
    if (requireLeader && tracker.leader === undefined) {
      sink.fail(definite("no-leader"));
      return undefined;
    }
    const { progressNotifyMs, electionTimeoutMs, fragmentBytes, streamWatchersMax } = this.options;
    const jitter = 1 + (prng.next() % 1000) / 10_000;
    const stream = new WatchStream(
      {
        progressNotifyMs: progressNotifyMs * jitter,
        leaderCheckMs: requireLeader ? electionTimeoutMs : undefined,
        fragmentBytes,
        watchersMax: streamWatchersMax,
      },
      {
        clock,
        tracker,
        sink,
        answerAs,
        newest,
        connect: (consumer) => this.#connect(consumer),
        ...(tracer.enabled
          ? {
              startSpan: (name) =>
                tracer.startRequest(name, parseTraceContext(traceparent), undefined, { kind: "server" }),
            }
          : {}),
        ended: () => {
          this.#streams.delete(stream);
          if (requireLeader) this.#probe.release();
        },
      },
    );
    if (requireLeader) this.#probe.acquire();
    this.#streams.add(stream);
    return stream;
  }

  /** Ends every stream; clients go on with another gateway. */
  close(): void {
    for (const stream of [...this.#streams]) stream.fail(definite("stopped"));
  }

  #connect(consumer: ConstructorParameters<typeof WatchConnection>[1]["consumer"]): WatchConnection {
    const { subjects, prng } = this.dependencies;
    this.#opened += 1;
    return new WatchConnection(
      {
        openSubject: subjects.watchOpen,
        controlSubject: (source) => subjects.watchControl(source),
        deliverSubject: subjects.watchDelivery(this.options.gateway, this.#opened.toString(36)),
        windowBytes: this.options.streamWindowBytes,
        heartbeatMs: HEARTBEAT_MS,
        answerMs: ANSWER_MS,
      },
      {
        ...this.dependencies,
        newStreamId: () => ((BigInt(prng.next()) << 32n) | BigInt(prng.next())) as StreamId,
        consumer,
      },
    );
  }
}
