import type { Clock, Timer } from "@quorate/base";
import type { Subscription } from "@quorate/transport";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { Abandonable, CallContext } from "./api-method";
import type { LeaseApi } from "./lease-api";
import { definite, type RequestFailure } from "./request-failure";
import type { StreamCall, StreamMethod, StreamSink } from "./stream-method";

export interface KeepAliveStreamsOptions {
  /** The nodes' minimum election timeout, in milliseconds. */
  readonly electionTimeoutMs: number;
}

export interface KeepAliveStreamsDependencies {
  readonly api: LeaseApi;
  readonly tracker: LeaderTracker;
  readonly clock: Clock;
}

/** As etcd: open streams that asked for a leader end once there was none at three checks, one per election timeout. */
const ELECTION_TIMEOUTS_WITHOUT_LEADER = 3;
/** Requests of one stream whose answers are outstanding; more are left unread, and the client is slowed down. */
const OUTSTANDING_MAX = 1000;

/** `LeaseKeepAlive`, through whichever door. */
export class KeepAliveStreams {
  readonly #streams = new Set<KeepAliveStream>();

  constructor(
    private readonly options: KeepAliveStreamsOptions,
    private readonly dependencies: KeepAliveStreamsDependencies,
  ) {}

  readonly open: StreamMethod = (context, sink) => {
    const stream = new KeepAliveStream(context, {
      ...this.dependencies,
      sink,
      withoutLeaderMs: ELECTION_TIMEOUTS_WITHOUT_LEADER * this.options.electionTimeoutMs,
      ended: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    stream.start();
    return stream;
  };

  /** Ends the open streams, which would hold up the doors' end; clients go on elsewhere. */
  stop(): void {
    for (const stream of [...this.#streams]) stream.fail(definite("stopped"));
  }
}

interface Outstanding {
  call: Abandonable | undefined;
  /** Undefined until it arrives. */
  response: Uint8Array | undefined;
}

/** One stream of renewals: any number of leases, one answer per request, in the order of the requests. */
class KeepAliveStream implements StreamCall {
  readonly #outstanding: Outstanding[] = [];
  #leaderNews: Subscription | undefined;
  #withoutLeader: Timer | undefined;
  #isPaused = false;
  #halfClosed = false;
  #ended = false;

  constructor(
    private readonly context: CallContext,
    private readonly dependencies: KeepAliveStreamsDependencies & {
      readonly sink: StreamSink;
      readonly withoutLeaderMs: number;
      readonly ended: () => void;
    },
  ) {}

  start(): void {
    const { tracker } = this.dependencies;
    if (!this.context.requireLeader) return;
    if (tracker.leader === undefined) return this.fail(definite("no-leader"));
    this.#leaderNews = tracker.onChange(() => this.#leaderChanged());
  }

  receive(request: Uint8Array): void {
    if (this.#ended) return;
    const outstanding: Outstanding = { call: undefined, response: undefined };
    this.#outstanding.push(outstanding);
    outstanding.call = this.dependencies.api.keepAlive(request, this.context, (outcome) => {
      if (outcome.kind === "failed") return this.fail(outcome.failure);
      outstanding.response = new Uint8Array(outcome.bytes); // only lent, and it may have to wait for its turn
      this.#answer();
    });
    if (this.#outstanding.length < OUTSTANDING_MAX || this.#isPaused) return;
    this.#isPaused = true;
    this.dependencies.sink.pause();
  }

  endOfRequests(): void {
    this.#halfClosed = true;
    this.#answer();
  }

  /** Answers are small, and as many as the requests that are let in. */
  drained(): void {}

  cancel(): void {
    this.#end();
  }

  fail(failure: RequestFailure): void {
    if (this.#ended) return;
    this.#end();
    this.dependencies.sink.end(failure);
  }

  #answer(): void {
    if (this.#ended) return;
    const { sink } = this.dependencies;
    let answered = 0;
    for (const { response } of this.#outstanding) {
      if (response === undefined) break;
      sink.send(response);
      answered += 1;
    }
    this.#outstanding.splice(0, answered);
    if (this.#isPaused && this.#outstanding.length < OUTSTANDING_MAX) {
      this.#isPaused = false;
      sink.resume();
    }
    if (!this.#halfClosed || this.#outstanding.length > 0) return;
    this.#end();
    sink.end();
  }

  #leaderChanged(): void {
    const { tracker, clock, withoutLeaderMs } = this.dependencies;
    if (tracker.leader !== undefined) {
      this.#withoutLeader?.cancel();
      this.#withoutLeader = undefined;
    } else {
      this.#withoutLeader ??= clock.setTimer(withoutLeaderMs, () => this.fail(definite("no-leader")));
    }
  }

  #end(): void {
    this.#ended = true;
    this.#leaderNews?.unsubscribe();
    this.#withoutLeader?.cancel();
    for (const { call } of this.#outstanding) call?.abandon();
    this.#outstanding.length = 0;
    this.dependencies.ended();
  }
}
