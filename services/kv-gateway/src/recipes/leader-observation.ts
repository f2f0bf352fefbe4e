import type { Clock, Timer } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import {
  decodeMessage,
  DecodeError,
  etcdserverpb,
  mvccpb,
  saturatingNumber,
  signedId,
  v3electionpb,
} from "@quorate/wire";
import type { CallContext } from "../api/api-method";
import { definite, type RequestFailure } from "../api/request-failure";
import type { StreamCall, StreamSink } from "../api/stream-method";
import type { WatchApi } from "../watch/watch-api";
import type { WatchStream } from "../watch/watch-stream";
import { Contenders, type ContendersDependencies } from "./contenders";
import { failureOf, TIMER_MS_MAX } from "./recipe-calls";
import type { RecipeStore } from "./recipe-store";

export interface LeaderObservationDependencies extends ContendersDependencies {
  readonly store: RecipeStore;
  readonly watch: WatchApi;
  readonly clock: Clock;
  readonly sink: StreamSink;
}

/** What is watched: the next key of the election while it has none, the leader's key while there is one. */
type Phase = "looking" | "nobody" | "leader";

/**
 * `Observe` of an election: the leader's key and each of its values, one leader after the other, as etcd tells them. Each
 * stream has a watch stream of its own, so one that is not read stands still alone.
 */
export class LeaderObservation implements StreamCall {
  readonly #gone = new AbortController();
  readonly #deadline: Timer | undefined;
  #contenders: Contenders | undefined;
  #stream: WatchStream | undefined;
  #phase: Phase = "looking";
  #watchId = 0n;
  #isBlocked = false;

  constructor(
    private readonly context: CallContext,
    private readonly dependencies: LeaderObservationDependencies,
  ) {
    const { clock } = dependencies;
    if (context.timeoutMs > TIMER_MS_MAX) return;
    this.#deadline = clock.setTimer(context.timeoutMs, () => this.#end(definite("deadline-exceeded")));
  }

  /** The first request is the one there is; etcd reads no other. */
  receive(request: Uint8Array): void {
    if (this.#contenders !== undefined) return;
    try {
      const { name } = decodeMessage("LeaderRequest", v3electionpb.LeaderRequest, request);
      this.#begin(name);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#end(definite("malformed", error.message));
    }
  }

  /** Over HTTP a body may be empty: a request without a name. */
  endOfRequests(): void {
    if (this.#contenders === undefined) this.#begin(new Uint8Array(0));
  }

  drained(): void {
    this.#isBlocked = false;
    this.#stream?.drained();
  }

  cancel(): void {
    this.#gone.abort();
    this.#deadline?.cancel();
    this.#stream?.end();
  }

  #begin(name: Uint8Array): void {
    this.#contenders = new Contenders(name, this.dependencies);
    this.#stream = this.dependencies.watch.open(
      {
        write: (response) => this.#heard(response),
        writeShared: (responses) => responses.sendWhole((response) => this.#heard(response)),
        fail: (failure) => this.#end(failure),
      },
      this.context.requireLeader,
    );
    if (this.#stream !== undefined) this.#look();
  }

  #look(): void {
    this.#phase = "looking";
    const { store } = this.dependencies;
    const { signal } = this.#gone;
    const caller = { context: this.context, signal };
    store
      .patiently(() => store.range(this.#contenders!.first, caller), signal)
      .then((found) => this.#found(found))
      .catch((error: unknown) => {
        if (!signal.aborted) this.#end(failureOf(error));
      });
  }

  #found({ header, kvs }: etcdserverpb.RangeResponse): void {
    if (this.#gone.signal.aborted) return;
    const next = saturatingNumber(header?.revision ?? 0) + 1;
    const leader = kvs[0]?.key;
    if (leader != null) {
      this.#send(header, kvs[0]);
      return this.#watch("leader", { key: leader, rangeEnd: undefined }, next);
    }
    this.#watch("nobody", this.#contenders!.everyone, next);
  }

  #watch(
    phase: Phase,
    range: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array | undefined },
    from: number,
  ): void {
    this.#phase = phase;
    this.#watchId += 1n;
    this.#stream?.receive({
      kind: "create",
      range,
      startRevision: from as Revision,
      watchId: this.#watchId,
      prevKv: false,
      progressNotify: false,
      fragment: false,
      noPut: false,
      noDelete: phase === "nobody",
    });
  }

  /** @returns false if the caller does not read: then no more is heard, and after one more look nothing sent, until it does. */
  #heard(bytes: Uint8Array): boolean {
    const response = decodeMessage("WatchResponse", etcdserverpb.WatchResponse, bytes);
    const isCurrent = this.#phase !== "looking" && signedId(response.watchId) === this.#watchId;
    if (!isCurrent) return !this.#isBlocked;
    if (response.canceled)
      this.#leaveFor(() => this.#look()); // compacted: what is now is known, what was is not
    else this.#take(response);
    return !this.#isBlocked;
  }

  #take({ header, events }: etcdserverpb.WatchResponse): void {
    for (const { type, kv } of events) {
      if (kv == null) continue;
      if (type === mvccpb.Event.EventType.DELETE) return this.#leaveFor(() => this.#look());
      if (this.#phase === "leader") {
        this.#send(header, kv);
        continue;
      }
      // Whoever comes first after a time without a leader is the next one.
      const revision = saturatingNumber(kv.modRevision ?? 0);
      this.#send({ ...header, revision }, kv);
      return this.#leaveFor(() => {
        this.#watch("leader", { key: kv.key ?? new Uint8Array(0), rangeEnd: undefined }, revision + 1);
      });
    }
  }

  /** Ends the present watcher and goes on with something else. */
  #leaveFor(next: () => void): void {
    this.#phase = "looking"; // the answer to the cancel is none of the news
    this.#stream?.receive({ kind: "cancel", watchId: this.#watchId });
    next();
  }

  #send(
    header: etcdserverpb.ResponseHeader.$Properties | null | undefined,
    kv: mvccpb.KeyValue.$Properties | undefined,
  ): void {
    const response = v3electionpb.LeaderResponse.encode({ header: header ?? {}, kv: kv ?? null }).finish();
    if (!this.dependencies.sink.send(response)) this.#isBlocked = true;
  }

  #end(failure: RequestFailure): void {
    if (this.#gone.signal.aborted) return;
    this.cancel();
    this.dependencies.sink.end(failure);
  }
}
