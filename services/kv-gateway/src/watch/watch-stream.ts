import { assertNever, Deque, type Clock, type Timer } from "@quorate/base";
import type { WatchConnection } from "@quorate/client";
import { isEmptyRange, type Revision } from "@quorate/mvcc";
import { traceHeaders, type Span } from "@quorate/telemetry";
import type { WatcherNumber, WatchItem } from "@quorate/watch";
import {
  encodeWatchId,
  encodeWatchResponse,
  type AnswerAs,
  type WatchOrigin,
  type WatchRequest,
} from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { NewestRevision } from "../actors/newest-revision";
import { definite, type RequestFailure } from "../api/request-failure";
import { SharedResponses } from "../api/shared-responses";
import { fragmentsOf } from "./fragments";

/** Where a stream's responses go. */
export interface WatchSink {
  /** Takes an encoded WatchResponse. @returns false if no more should come until the stream is told by `drained`. */
  write(response: Uint8Array): boolean;
  /** The same for many, of which it takes as many as there is room for. */
  writeShared(responses: SharedResponses): boolean;
  /** Ends the stream; nothing is written any more. */
  fail(failure: RequestFailure): void;
}

export interface WatchStreamOptions {
  readonly progressNotifyMs: number;
  /** How often to look for a leader; `undefined`: it does without. */
  readonly leaderCheckMs: number | undefined;
  readonly fragmentBytes: number;
  /** Watchers that a stream may have; more are refused, and the stream goes on. */
  readonly watchersMax: number;
}

export interface WatchStreamDependencies {
  readonly clock: Clock;
  readonly tracker: LeaderTracker;
  readonly sink: WatchSink;
  /** The member that responses are to name. */
  readonly answerAs: () => AnswerAs;
  readonly newest: Pick<NewestRevision, "value">;
  readonly connect: (
    consumer: (items: readonly WatchItem[], sequence: number, origin: WatchOrigin) => void,
  ) => WatchConnection;
  /** Absent: nothing is traced. Its spans are absent for what is not sampled. */
  readonly startSpan?: (name: string) => Span | undefined;
  readonly ended: () => void;
}

type CreateRequest = Extract<WatchRequest, { kind: "create" }>;

/** A watcher as its client knows it. */
interface ClientWatcher {
  readonly watchId: bigint;
  /** As responses carry it. */
  readonly idBytes: Uint8Array;
  readonly request: CreateRequest;
  readonly number: WatcherNumber;
  isCreated: boolean;
  /** Cancelled before its creation was answered: both are, in this order. */
  isCanceled: boolean;
  /** Got events since the last tick of the progress timer. */
  isActive: boolean;
  /** Until its creation is answered, if it is traced. */
  span: Span | undefined;
}

/** What is answered to a create, in the order of the requests. */
type PendingCreate =
  | { readonly kind: "watcher"; readonly watcher: ClientWatcher }
  | { readonly kind: "refused"; readonly reason: string };

/** What is to be written, or told once everything before it was. */
type Outgoing =
  { readonly response: Uint8Array } | { readonly shared: SharedResponses } | { readonly consumed: number };

/** No such id is ever given: it stands for a watcher that is none, and for all watchers of a stream. */
const NO_WATCH_ID = -1n;
/** Stands in what watchers share, and is not sent. */
const NO_ID_YET = 0n;
const LEADER_CHECKS = 3;

const REFUSED_REVISION = "etcdserver: mvcc: required revision has been compacted";
const REFUSED_RANGE = "mvcc: watcher range is empty";
/** etcd has no such limit: its memory is the limit. */
const REFUSED_NUMBER = "quorate: too many watchers on this stream";
const REFUSED_ID = "mvcc: duplicate watch ID provided on the WatchStream";

/**
 * One client's Watch stream with etcd's rules: ids, the order of answers, cancelling, progress, fragments. Events come through
 * a connection that outlives the fan-out behind it.
 *
 * Nothing is written while the client does not read; what has not been written is not acknowledged to the fan-out, which stops
 * sending when the window is full. So a client that never reads costs one window.
 */
export class WatchStream {
  readonly #connection: WatchConnection;
  readonly #byId = new Map<bigint, ClientWatcher>();
  readonly #byNumber = new Map<WatcherNumber, ClientWatcher>();
  readonly #creates = new Deque<PendingCreate>();
  readonly #outgoing = new Deque<Outgoing>();
  #origin: WatchOrigin = { clusterId: 0n, memberId: 0n, term: 0 };
  #nextId = 0n;
  #isBlocked = false;
  #progressTimer: Timer | undefined;
  #leaderTimer: Timer | undefined;
  #leaderless = 0;
  #isEnded = false;

  constructor(
    private readonly options: WatchStreamOptions,
    private readonly dependencies: WatchStreamDependencies,
  ) {
    this.#connection = dependencies.connect((items, sequence, origin) =>
      this.#deliver(items, sequence, origin),
    );
    if (options.leaderCheckMs !== undefined) this.#checkLeader(options.leaderCheckMs);
  }

  receive(request: WatchRequest): void {
    if (this.#isEnded) return;
    switch (request.kind) {
      case "create":
        return this.#create(request);
      case "cancel":
        return this.#cancel(request.watchId);
      case "progress":
        if (this.#byNumber.size > 0) this.#connection.progress([]);
        return;
      case "none":
        return;
      default:
        return assertNever(request);
    }
  }

  /** The client reads again. */
  drained(): void {
    this.#isBlocked = false;
    this.#flush();
  }

  /** The client is gone, or has been told that it is over. Idempotent. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#progressTimer?.cancel();
    this.#leaderTimer?.cancel();
    this.#connection.close();
    this.#outgoing.drain();
    for (const { span } of this.#byNumber.values()) span?.end();
    this.dependencies.ended();
  }

  fail(failure: RequestFailure): void {
    if (this.#isEnded) return;
    this.end();
    this.dependencies.sink.fail(failure);
  }

  #create(request: CreateRequest): void {
    const reason = this.#refusal(request);
    if (reason !== undefined) {
      this.#creates.push({ kind: "refused", reason });
      this.#connection.open();
      return this.#answerCreates();
    }
    const { range, startRevision, prevKv, noPut, noDelete } = request;
    const span = this.dependencies.startSpan?.("watch.create");
    const spec = { range, prevKv, noPut, noDelete };
    const seen = this.dependencies.newest.value;
    const number = this.#connection.create(spec, startRevision, traceHeaders(span?.context), seen);
    const watchId = request.watchId === 0n ? this.#takeId() : request.watchId;
    const watcher: ClientWatcher = {
      watchId,
      idBytes: encodeWatchId(watchId),
      request,
      number,
      isCreated: false,
      isCanceled: false,
      isActive: false,
      span,
    };
    this.#byId.set(watcher.watchId, watcher);
    this.#byNumber.set(number, watcher);
    this.#creates.push({ kind: "watcher", watcher });
    if (request.progressNotify) this.#startProgress();
  }

  #refusal({ startRevision, range, watchId }: CreateRequest): string | undefined {
    if (startRevision < 0) return REFUSED_REVISION;
    if (isEmptyRange(range)) return REFUSED_RANGE;
    if (watchId !== 0n && this.#byId.has(watchId)) return REFUSED_ID;
    return this.#byId.size >= this.options.watchersMax ? REFUSED_NUMBER : undefined;
  }

  #takeId(): bigint {
    while (this.#byId.has(this.#nextId)) this.#nextId += 1n;
    const id = this.#nextId;
    this.#nextId += 1n;
    return id;
  }

  #cancel(watchId: bigint): void {
    const watcher = this.#byId.get(watchId);
    if (watcher === undefined || watcher.isCanceled) return;
    if (!watcher.isCreated) {
      watcher.isCanceled = true; // answered behind its creation, which must be answered first
      return;
    }
    this.#finishCancel(watcher);
    this.#flush();
  }

  #finishCancel(watcher: ClientWatcher): void {
    this.#byId.delete(watcher.watchId);
    if (this.#byNumber.delete(watcher.number)) this.#connection.cancel(watcher.number);
    this.#respond({ watchId: watcher.watchId, revision: this.#connection.revision, canceled: true });
  }

  #deliver(items: readonly WatchItem[], sequence: number, origin: WatchOrigin): void {
    this.#origin = { ...origin, memberId: this.dependencies.answerAs() ?? origin.memberId };
    for (const item of items) this.#take(item);
    this.#outgoing.push({ consumed: sequence });
    this.#answerCreates(); // a refusal may have waited for a revision to tell
    this.#flush();
  }

  #take(item: WatchItem): void {
    if (item.kind === "progress") return this.#takeProgress(item.revision, item.watchers);
    if (item.kind === "events") return this.#takeEvents(item);
    const watcher = this.#byNumber.get(item.watcher);
    if (watcher === undefined) return; // cancelled meanwhile
    switch (item.kind) {
      case "created":
        watcher.isCreated = true;
        watcher.span?.end();
        watcher.span = undefined;
        return this.#answerCreates();
      case "compacted":
        this.#byNumber.delete(item.watcher); // its id stays taken until the client cancels it, as in etcd
        return this.#respond({
          watchId: watcher.watchId,
          revision: 0,
          canceled: true,
          compactRevision: item.compactRevision,
        });
      default:
        return assertNever(item);
    }
  }

  /** Answers creates in the order in which they were asked for, as far as it is known what to answer. */
  #answerCreates(): void {
    const { revision } = this.#connection;
    if (revision === 0) return;
    for (let next = this.#creates.peek(); next !== undefined; next = this.#creates.peek()) {
      if (next.kind === "watcher" && !next.watcher.isCreated) break;
      this.#creates.shift();
      if (next.kind === "refused") {
        const { reason } = next;
        this.#respond({
          watchId: NO_WATCH_ID,
          revision,
          created: true,
          canceled: true,
          cancelReason: reason,
        });
        continue;
      }
      this.#respond({ watchId: next.watcher.watchId, revision, created: true });
      if (next.watcher.isCanceled) this.#finishCancel(next.watcher);
    }
    this.#flush();
  }

  #takeEvents({ watchers, revision, events }: Extract<WatchItem, { kind: "events" }>): void {
    const idBytes: Uint8Array[] = [];
    for (const number of watchers) {
      const watcher = this.#byNumber.get(number);
      if (watcher === undefined) continue; // cancelled meanwhile
      watcher.isActive = true;
      if (watcher.request.fragment) this.#respondFragments(watcher, revision, events);
      else idBytes.push(watcher.idBytes);
    }
    if (idBytes.length === 0) return;
    const rest = encodeWatchResponse({ origin: this.#origin, revision, watchId: NO_ID_YET, events });
    this.#outgoing.push({ shared: new SharedResponses(idBytes, rest) });
  }

  #respondFragments({ watchId }: ClientWatcher, revision: Revision, events: readonly Uint8Array[]): void {
    const parts = fragmentsOf(events, this.options.fragmentBytes);
    parts.forEach((part, at) => {
      this.#respond({ watchId, revision, events: part, fragment: at < parts.length - 1 });
    });
  }

  /** It has come behind everything up to `revision`, of all watchers that were asked for. */
  #takeProgress(revision: Revision, numbers: readonly WatcherNumber[]): void {
    const hasBegun = ({ request }: ClientWatcher): boolean => revision >= request.startRevision;
    if (numbers.length === 0) {
      if (![...this.#byNumber.values()].every((watcher) => watcher.isCreated && hasBegun(watcher))) return;
      if (this.#byNumber.size > 0) this.#respond({ watchId: NO_WATCH_ID, revision });
      return;
    }
    for (const number of numbers) {
      const watcher = this.#byNumber.get(number);
      if (watcher !== undefined && !watcher.isActive && hasBegun(watcher)) {
        this.#respond({ watchId: watcher.watchId, revision });
      }
    }
  }

  #startProgress(): void {
    if (this.#progressTimer !== undefined) return;
    this.#progressTimer = this.dependencies.clock.setTimer(this.options.progressNotifyMs, () => {
      this.#progressTimer = undefined;
      const notified = [...this.#byNumber.values()].filter(({ request }) => request.progressNotify);
      const quiet = notified.filter((watcher) => watcher.isCreated && !watcher.isActive);
      for (const watcher of notified) watcher.isActive = false;
      if (quiet.length > 0) this.#connection.progress(quiet.map(({ number }) => number));
      if (notified.length > 0) this.#startProgress();
    });
  }

  #checkLeader(everyMs: number): void {
    this.#leaderTimer = this.dependencies.clock.setTimer(everyMs, () => {
      this.#leaderless = this.dependencies.tracker.leader === undefined ? this.#leaderless + 1 : 0;
      if (this.#leaderless >= LEADER_CHECKS) return this.fail(definite("no-leader"));
      this.#checkLeader(everyMs);
    });
  }

  #respond(response: Omit<Parameters<typeof encodeWatchResponse>[0], "origin">): void {
    this.#outgoing.push({ response: encodeWatchResponse({ origin: this.#origin, ...response }) });
  }

  #flush(): void {
    const { sink } = this.dependencies;
    while (!this.#isBlocked && !this.#isEnded) {
      const next = this.#outgoing.peek();
      if (next === undefined) return;
      if ("shared" in next) {
        this.#isBlocked = !sink.writeShared(next.shared);
        if (next.shared.left > 0) continue;
      }
      this.#outgoing.shift();
      if ("consumed" in next) this.#connection.consumed(next.consumed);
      else if ("response" in next) this.#isBlocked = !sink.write(next.response);
    }
  }
}
