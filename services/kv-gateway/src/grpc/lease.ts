import type { handleBidiStreamingCall, ServerDuplexStream, ServiceDefinition } from "@grpc/grpc-js";
import type { Clock, Timer } from "@quorate/base";
import type { Subscription } from "@quorate/transport";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { Abandonable } from "../api/api-method";
import type { LeaseApi } from "../api/lease-api";
import { definite, type RequestFailure } from "../api/request-failure";
import { grpcStatusOf } from "./status";
import { contextOf, rawMethod, unaryService, type FailureListener, type RawMethod } from "./unary";

export interface LeaseServiceOptions {
  /** The nodes' minimum election timeout, in milliseconds. */
  readonly electionTimeoutMs: number;
}

export interface LeaseServiceDependencies {
  readonly api: LeaseApi;
  readonly tracker: LeaderTracker;
  readonly clock: Clock;
  readonly failed: FailureListener;
}

type Stream = ServerDuplexStream<Uint8Array, Uint8Array>;

/** As etcd: open streams that asked for a leader end once there was none at three checks, one per election timeout. */
const ELECTION_TIMEOUTS_WITHOUT_LEADER = 3;

/** `etcdserverpb.Lease`. */
export class LeaseService {
  readonly definition: ServiceDefinition;
  readonly implementation: Record<string, unknown> & ReturnType<typeof unaryService>["implementation"];
  readonly #streams = new Set<KeepAliveStream>();

  constructor(
    private readonly options: LeaseServiceOptions,
    private readonly dependencies: LeaseServiceDependencies,
  ) {
    const { api, failed } = dependencies;
    const unary = unaryService(
      "etcdserverpb.Lease",
      {
        LeaseGrant: api.grant,
        LeaseRevoke: api.revoke,
        LeaseTimeToLive: api.timeToLive,
        LeaseLeases: api.leases,
      },
      failed,
    );
    const keepAlive: handleBidiStreamingCall<Uint8Array, Uint8Array> = (call) => this.#keepAlive(call);
    const method: RawMethod = {
      ...rawMethod("/etcdserverpb.Lease/LeaseKeepAlive", true),
      requestStream: true,
    };
    this.definition = { ...unary.definition, LeaseKeepAlive: method };
    this.implementation = { ...unary.implementation, LeaseKeepAlive: keepAlive } as never;
  }

  /** Ends the open streams, which would hold up the server's end; clients go on elsewhere. */
  stop(): void {
    for (const stream of [...this.#streams]) stream.fail(definite("stopped"));
  }

  #keepAlive(call: Stream): void {
    const stream = new KeepAliveStream(call, this.dependencies, {
      withoutLeaderMs: ELECTION_TIMEOUTS_WITHOUT_LEADER * this.options.electionTimeoutMs,
      ended: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    stream.open();
  }
}

/** Requests of one stream whose answers are outstanding; more are left unread, and the client is slowed down. */
const OUTSTANDING_MAX = 1000;

interface Outstanding {
  readonly call: Abandonable | undefined;
  /** Undefined until it arrives. */
  response: Uint8Array | undefined;
}

/** One stream of renewals: any number of leases, one answer per request, in the order of the requests. */
class KeepAliveStream {
  readonly #outstanding: Outstanding[] = [];
  #leaderNews: Subscription | undefined;
  #withoutLeader: Timer | undefined;
  #halfClosed = false;
  #ended = false;

  constructor(
    private readonly call: Stream,
    private readonly dependencies: LeaseServiceDependencies,
    private readonly options: { readonly withoutLeaderMs: number; readonly ended: () => void },
  ) {}

  open(): void {
    const { call } = this;
    const { tracker } = this.dependencies;
    if (contextOf(call).requireLeader) {
      if (tracker.leader === undefined) return this.fail(definite("no-leader"));
      this.#leaderNews = tracker.onChange(() => this.#leaderChanged());
    }
    call.on("data", (request: Uint8Array) => this.#renew(request));
    call.on("end", () => {
      this.#halfClosed = true;
      this.#answer();
    });
    call.on("cancelled", () => this.#end());
    call.on("error", () => this.#end());
  }

  fail(failure: RequestFailure): void {
    if (this.#ended) return;
    this.#end();
    const { code, message } = grpcStatusOf(failure);
    this.dependencies.failed("etcdserverpb.Lease/LeaseKeepAlive", { code, message }, false);
    this.call.emit("error", { code, details: message.toWellFormed() });
  }

  #renew(request: Uint8Array): void {
    if (this.#ended) return;
    const outstanding: { call: Abandonable | undefined; response: Uint8Array | undefined } = {
      call: undefined,
      response: undefined,
    };
    this.#outstanding.push(outstanding);
    outstanding.call = this.dependencies.api.keepAlive(request, contextOf(this.call), (outcome) => {
      if (outcome.kind === "failed") return this.fail(outcome.failure);
      outstanding.response = new Uint8Array(outcome.bytes); // only lent, and it may have to wait for its turn
      this.#answer();
    });
    if (this.#outstanding.length >= OUTSTANDING_MAX) this.call.pause();
  }

  #answer(): void {
    if (this.#ended) return;
    let answered = 0;
    for (const { response } of this.#outstanding) {
      if (response === undefined) break;
      this.call.write(response);
      answered += 1;
    }
    this.#outstanding.splice(0, answered);
    if (this.call.isPaused() && this.#outstanding.length < OUTSTANDING_MAX) this.call.resume();
    if (!this.#halfClosed || this.#outstanding.length > 0) return;
    this.#end();
    this.call.end();
  }

  #leaderChanged(): void {
    const { tracker, clock } = this.dependencies;
    if (tracker.leader !== undefined) {
      this.#withoutLeader?.cancel();
      this.#withoutLeader = undefined;
    } else {
      this.#withoutLeader ??= clock.setTimer(this.options.withoutLeaderMs, () =>
        this.fail(definite("no-leader")),
      );
    }
  }

  #end(): void {
    this.#ended = true;
    this.#leaderNews?.unsubscribe();
    this.#withoutLeader?.cancel();
    for (const { call } of this.#outstanding) call?.abandon();
    this.#outstanding.length = 0;
    this.options.ended();
  }
}
