import { randomBytes } from "node:crypto";
import { systemClock, systemScheduler } from "@quorate/actor";
import type { Clock, Scheduler } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import { brokerAccess, NatsTransport } from "@quorate/transport-nats";
import {
  ANONYMOUS_INBOX,
  brokerConduct,
  decodeMessage,
  encodeAlarmRequest,
  etcdserverpb,
  parseClusterName,
  Subjects,
  wireId,
  type BatchCall,
} from "@quorate/wire";
import { CallBatcher } from "./call-batcher";
import { QuorateError } from "./errors";
import { Informer, type InformerOptions } from "./informer/informer";
import { exactly, type Bytes, type KeyRange } from "./key-range";
import type { KeyValue } from "./key-value";
import { Lease } from "./lease";
import { ClusterMembership } from "./membership/cluster-membership";
import { PendingCall, type CallOptions, type PendingCallOptions } from "./pending-call";
import { Election } from "./recipes/election";
import { Mutex } from "./recipes/mutex";
import type { RecipeOptions } from "./recipes/recipe-dependencies";
import { repeat } from "./repeat";
import {
  deleteRangeRequest,
  putRequest,
  rangeRequest,
  type DeleteOptions,
  type PutOptions,
  type RangeOptions,
  type ReadOptions,
} from "./requests";
import {
  alarmList,
  deleteResult,
  leaseIds,
  leaseTimeToLive,
  leaseTtl,
  memberList,
  memberStatus,
  putResult,
  rangeResult,
  transactionResult,
  type DeleteResult,
  type LeaseGrant,
  type LeaseRenewal,
  type LeaseTimeToLive,
  type Member,
  type Alarm,
  type MemberStatus,
  type PutResult,
  type RangeResult,
  type TransactionResult,
} from "./results";
import { TransactionBuilder, transactionRequest, writes, type TransactionPlan } from "./transaction";
import { attemptResultOf } from "./transport-failure";
import { Watch, type WatchDependencies, type WatchOptions } from "./watch/watch";

export interface ClientOptions {
  /** The cluster's name. */
  readonly cluster: string;
  /** Milliseconds a call may take unless it says otherwise; 5000 by default. */
  readonly timeoutMs?: number;
  /** Calls under way at once; one more is refused with RESOURCE_EXHAUSTED. 65,536 by default. */
  readonly pendingCallsMax?: number;
}

export interface ConnectOptions extends ClientOptions {
  /** Addresses of the broker: `nats://127.0.0.1:4222`, or `nats://user:password@127.0.0.1:4222`. */
  readonly servers: string | readonly string[];
  /** Shown by the broker's monitoring. */
  readonly name?: string;
  /** File with the secret that the broker knows this client by: the seed of an nkey, or a creds file of `nsc`. */
  readonly credentialsFile?: string;
  /** Of PEM, for brokers that speak TLS. */
  readonly tls?: {
    /** Who signs the brokers' certificates. */
    readonly trustedCaFile?: string;
    /** This client's own, for brokers that ask for one. */
    readonly certFile?: string;
    readonly keyFile?: string;
  };
  /** Hears of what the broker does not allow: what was sent there is answered by nobody. Must not throw. */
  readonly onDenied?: (subject: string) => void;
}

export interface ClientDependencies {
  /** Used as it is, and left open by `close`. */
  readonly transport: Transport;
  readonly clock?: Clock;
  readonly scheduler?: Scheduler;
  /** 64 random bits at each call: names the streams of watches. */
  readonly randomId?: () => bigint;
  /** Begins the subjects that the broker lets this client receive on. `_INBOX` by default. */
  readonly inboxPrefix?: string;
}

const TIMEOUT_MS = 5000;
const PENDING_CALLS_MAX = 65_536;
const BATCH_BYTES_MAX = 512 * 1024;
const BATCH_CALLS_MAX = 1000;

/**
 * Talks to a cluster over its broker. Calls made in one turn of the event loop travel together; so make many at once
 * (`Promise.all`) rather than one after another where order does not matter. The order in which they take effect is not
 * promised: await one before the next where it does.
 *
 * Every call rejects with a {@link QuorateError}. Reads are tried again while their time lasts if the cluster is
 * unavailable; writes never are, and their error's `outcome` tells whether they may have happened.
 */
export class QuorateClient implements AsyncDisposable {
  /** Changes who belongs to the cluster, and who leads it; `members` lists them. */
  readonly membership = new ClusterMembership({
    ask: ({ service, method }, request, options, decode) =>
      this.#ask(this.#subjects.api(service, method), request, options, true, decode),
  });
  readonly #timeoutMs: number;
  readonly #pendingCallsMax: number;
  readonly #subjects: Subjects;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #randomId: () => bigint;
  readonly #inboxPrefix: string;
  /** Watches and informers that have not ended. */
  readonly #open = new Set<AsyncDisposable>();
  readonly #batcher: CallBatcher;
  readonly #onClose: () => Promise<void>;
  #pendingCalls = 0;
  #closed = false;

  constructor(
    options: ClientOptions,
    dependencies: ClientDependencies,
    onClose: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#pendingCallsMax = options.pendingCallsMax ?? PENDING_CALLS_MAX;
    this.#subjects = new Subjects(parseClusterName(options.cluster));
    this.#transport = dependencies.transport;
    this.#clock = dependencies.clock ?? systemClock;
    this.#scheduler = dependencies.scheduler ?? systemScheduler;
    this.#randomId = dependencies.randomId ?? (() => randomBytes(8).readBigUInt64BE());
    this.#inboxPrefix = dependencies.inboxPrefix ?? ANONYMOUS_INBOX;
    this.#onClose = onClose;
    this.#batcher = new CallBatcher(
      {
        subject: this.#subjects.api("kv", "batch"),
        batchBytesMax: BATCH_BYTES_MAX,
        batchCallsMax: BATCH_CALLS_MAX,
      },
      { transport: dependencies.transport, scheduler: this.#scheduler },
    );
  }

  /**
   * Connects to the broker; whether the cluster behind it works shows with the first call.
   *
   * @throws {ClusterNameError} `cluster` cannot be the name of one.
   * @throws {BrokerAccessError} `credentialsFile` or a file of `tls` is of no use.
   */
  static async connect(
    options: ConnectOptions,
    dependencies: Omit<ClientDependencies, "transport"> = {},
  ): Promise<QuorateClient> {
    const cluster = parseClusterName(options.cluster);
    const { tls = {}, credentialsFile, onDenied } = options;
    const clock = dependencies.clock ?? systemClock;
    const servers = typeof options.servers === "string" ? [options.servers] : options.servers;
    const { login, ...access } = brokerAccess({
      natsUrl: servers,
      brokerCredentials: credentialsFile,
      brokerTrustedCaFile: tls.trustedCaFile,
      brokerCertFile: tls.certFile,
      brokerKeyFile: tls.keyFile,
    });
    const { inboxPrefix } = brokerConduct(cluster, { roles: ["client"], user: login });
    const transport = await NatsTransport.connect(
      {
        ...access,
        inboxPrefix,
        name: options.name ?? "quorate-client",
        onNotice: (notice) => {
          if (notice.kind === "permission-denied") onDenied?.(notice.subject);
        },
      },
      { clock },
    );
    return new QuorateClient(options, { ...dependencies, transport, inboxPrefix }, async () => {
      await transport[Symbol.asyncDispose]();
    });
  }

  put(key: Bytes, value: Bytes, options: PutOptions & CallOptions = {}): Promise<PutResult> {
    const request = etcdserverpb.PutRequest.encode(putRequest(key, value, options)).finish();
    return this.#call("put", request, options, true, (payload) =>
      putResult(decodeMessage("PutResponse", etcdserverpb.PutResponse, payload)),
    );
  }

  /** The key-value of one key, or `undefined` if there is none (at the revision asked for). */
  async get(key: Bytes, options: ReadOptions & CallOptions = {}): Promise<KeyValue | undefined> {
    const { keyValues } = await this.range(exactly(key), options);
    return keyValues[0];
  }

  /** Several keys at one revision: `range(prefix("jobs/"), { limit: 100 })`. */
  range(range: KeyRange, options: RangeOptions & CallOptions = {}): Promise<RangeResult> {
    const request = etcdserverpb.RangeRequest.encode(rangeRequest(range, options)).finish();
    return this.#call("range", request, options, false, (payload) =>
      rangeResult(decodeMessage("RangeResponse", etcdserverpb.RangeResponse, payload)),
    );
  }

  delete(key: Bytes, options: DeleteOptions & CallOptions = {}): Promise<DeleteResult> {
    return this.deleteRange(exactly(key), options);
  }

  /** Deletes what is in the range, at one revision; none is used up if nothing was there. */
  deleteRange(range: KeyRange, options: DeleteOptions & CallOptions = {}): Promise<DeleteResult> {
    const request = etcdserverpb.DeleteRangeRequest.encode(deleteRangeRequest(range, options)).finish();
    return this.#call("delete-range", request, options, true, (payload) =>
      deleteResult(decodeMessage("DeleteRangeResponse", etcdserverpb.DeleteRangeResponse, payload)),
    );
  }

  /** `txn().if(compare.missing("k")).then(operation.put("k", "v")).else(operation.get("k")).commit()`. */
  txn(): TransactionBuilder<CallOptions, TransactionResult> {
    return new TransactionBuilder((plan, options) => this.#commit(plan, options ?? {}));
  }

  /**
   * Forgets what was superseded before `revision`: reads and watches from before it fail afterwards.
   *
   * @param options.physical Wait until the member that answers has also freed the space.
   */
  compact(revision: number, options: { readonly physical?: boolean } & CallOptions = {}): Promise<void> {
    const request = etcdserverpb.CompactionRequest.encode({
      revision,
      physical: options.physical ?? false,
    }).finish();
    return this.#call("compact", request, options, true, () => undefined);
  }

  /**
   * Every change of the keys in `range`: `for await (const event of client.watch(prefix("jobs/")))`. To miss nothing between a
   * read and a watch, watch from the read's revision plus one.
   *
   * It ends with the loop, the signal or the client, and by {@link WatchCompactedError} if the store has forgotten what it
   * would have to tell next. Nothing else ends it.
   */
  watch(range: KeyRange, options: WatchOptions = {}): Watch {
    this.#mustBeOpen();
    const watch = new Watch(range, options, this.#watchDependencies());
    if (!watch.isEnded) this.#open.add(watch);
    return watch;
  }

  /**
   * The keys in `range`, decoded, cached and kept up to date, with an event for each change: `await informer.synced`, then
   * `informer.get(key)` and `for await (const event of informer.events())`.
   *
   * It ends by `close`, its signal or the client, by {@link InformerFullError}, and by what its list is refused for.
   */
  informer<T>(range: KeyRange, options: InformerOptions<T>): Informer<T> {
    this.#mustBeOpen();
    const informer = new Informer<T>(range, options, {
      ...this.#watchDependencies(),
      range: (part, rangeOptions) => this.range(part, rangeOptions),
    });
    if (!informer.isEnded) this.#open.add(informer);
    return informer;
  }

  /** How the member that answers sees itself and its cluster. */
  status(options: CallOptions = {}): Promise<MemberStatus> {
    const request = etcdserverpb.StatusRequest.encode({}).finish();
    return this.#ask(this.#subjects.api("maintenance", "status"), request, options, false, (payload) =>
      memberStatus(decodeMessage("StatusResponse", etcdserverpb.StatusResponse, payload)),
    );
  }

  /** The active alarms. */
  alarms(options: CallOptions = {}): Promise<Alarm[]> {
    const request = etcdserverpb.AlarmRequest.encode({}).finish();
    return this.#ask(this.#subjects.api("maintenance", "alarm"), request, options, false, (payload) =>
      alarmList(decodeMessage("AlarmResponse", etcdserverpb.AlarmResponse, payload)),
    );
  }

  /** Deactivates an alarm; nothing happens if it is not active. */
  disarm({ type, memberId }: Alarm, options: CallOptions = {}): Promise<void> {
    const request = encodeAlarmRequest({
      action: "deactivate",
      type: type === "NOSPACE" ? "no-space" : "corrupt",
      memberId,
    });
    return this.#ask(this.#subjects.api("maintenance", "alarm"), request, options, true, () => undefined);
  }

  /** All members, as a quorum knows them. */
  members(options: CallOptions = {}): Promise<Member[]> {
    const request = etcdserverpb.MemberListRequest.encode({ linearizable: true }).finish();
    return this.#ask(this.#subjects.api("cluster", "memberlist"), request, options, false, (payload) =>
      memberList(decodeMessage("MemberListResponse", etcdserverpb.MemberListResponse, payload)),
    );
  }

  /**
   * Grants a lease and holds it: it is renewed until it is disposed of, which revokes it and deletes the keys attached to it.
   *
   * @param ttlSeconds What the lease outlives its holder by; raised to the cluster's minimum.
   */
  async lease(ttlSeconds: number, options: CallOptions = {}): Promise<Lease> {
    const grantedAt = this.#clock.now();
    const granted = await this.grantLease(ttlSeconds, options);
    const calls = {
      keepAliveOnce: (id: bigint, callOptions: CallOptions) => this.keepAliveOnce(id, callOptions),
      revoke: (id: bigint) => this.#revokeOwn(id),
    };
    return new Lease({ ...granted, grantedAt }, { clock: this.#clock, calls });
  }

  /**
   * A lock of the whole cluster by name: `await using lock = await client.mutex("locks/nightly").lock()`. All that use etcd's
   * recipes take part. No other keys may begin with the name and a slash.
   */
  mutex(name: Bytes, options: RecipeOptions = {}): Mutex {
    return new Mutex(name, options, { client: this, clock: this.#clock });
  }

  /** One leader at a time among all that campaign under a name, which is shared and kept free like that of a mutex. */
  election(name: Bytes, options: RecipeOptions = {}): Election {
    return new Election(name, options, { client: this, clock: this.#clock });
  }

  /** A lease that nobody renews unless told. @param options.id Chosen by the cluster unless given. */
  grantLease(ttlSeconds: number, options: { readonly id?: bigint } & CallOptions = {}): Promise<LeaseGrant> {
    const { LeaseGrantRequest, LeaseGrantResponse } = etcdserverpb;
    const request = LeaseGrantRequest.encode({
      TTL: Math.ceil(ttlSeconds),
      ID: wireId(options.id ?? 0n),
    }).finish();
    return this.#ask(this.#subjects.api("lease", "grant"), request, options, true, (payload) =>
      leaseTtl(decodeMessage("LeaseGrantResponse", LeaseGrantResponse, payload)),
    );
  }

  /** Ends a lease and deletes the keys attached to it, at one revision. */
  revokeLease(id: bigint, options: CallOptions = {}): Promise<void> {
    const request = etcdserverpb.LeaseRevokeRequest.encode({ ID: wireId(id) }).finish();
    return this.#ask(this.#subjects.api("lease", "revoke"), request, options, true, () => undefined);
  }

  /** Begins the TTL anew. May be repeated, so it is tried again like a read. */
  keepAliveOnce(id: bigint, options: CallOptions = {}): Promise<LeaseRenewal> {
    const { LeaseKeepAliveRequest, LeaseKeepAliveResponse } = etcdserverpb;
    const request = LeaseKeepAliveRequest.encode({ ID: wireId(id) }).finish();
    return this.#ask(this.#subjects.api("lease", "keepalive"), request, options, false, (payload) =>
      leaseTtl(decodeMessage("LeaseKeepAliveResponse", LeaseKeepAliveResponse, payload)),
    );
  }

  /** `undefined` if there is no such lease. @param options.keys Tell the attached keys too. */
  timeToLive(
    id: bigint,
    options: { readonly keys?: boolean } & CallOptions = {},
  ): Promise<LeaseTimeToLive | undefined> {
    const { LeaseTimeToLiveRequest, LeaseTimeToLiveResponse } = etcdserverpb;
    const request = LeaseTimeToLiveRequest.encode({ ID: wireId(id), keys: options.keys ?? false }).finish();
    return this.#ask(this.#subjects.api("lease", "timetolive"), request, options, false, (payload) =>
      leaseTimeToLive(decodeMessage("LeaseTimeToLiveResponse", LeaseTimeToLiveResponse, payload)),
    );
  }

  /** The ids of all leases, as one member knows them. */
  leases(options: CallOptions = {}): Promise<bigint[]> {
    const request = etcdserverpb.LeaseLeasesRequest.encode({}).finish();
    return this.#ask(this.#subjects.api("lease", "leases"), request, options, false, (payload) =>
      leaseIds(decodeMessage("LeaseLeasesResponse", etcdserverpb.LeaseLeasesResponse, payload)),
    );
  }

  /** Closes the connection if `connect` made it: calls under way are rejected. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const open of [...this.#open]) await open[Symbol.asyncDispose]();
    await this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new QuorateError("CANCELLED", "the client was closed", "definite");
  }

  #watchDependencies(): WatchDependencies {
    return {
      transport: this.#transport,
      subjects: this.#subjects,
      inboxPrefix: this.#inboxPrefix,
      clock: this.#clock,
      scheduler: this.#scheduler,
      randomId: this.#randomId,
      ended: (ended) => void this.#open.delete(ended),
    };
  }

  /** Who holds a lease knows that it is theirs, whatever became of earlier attempts: a second one does no harm. */
  #revokeOwn(id: bigint): Promise<void> {
    return repeat(() => this.revokeLease(id), { clock: this.#clock, forMs: this.#timeoutMs });
  }

  #commit(plan: TransactionPlan, options: CallOptions): Promise<TransactionResult> {
    const request = etcdserverpb.TxnRequest.encode(transactionRequest(plan)).finish();
    return this.#call("txn", request, options, writes(plan), (payload) =>
      transactionResult(decodeMessage("TxnResponse", etcdserverpb.TxnResponse, payload)),
    );
  }

  /** Goes out with everything else of this turn. */
  #call<T>(
    kind: BatchCall["kind"],
    bytes: Uint8Array,
    options: CallOptions,
    isWrite: boolean,
    decode: (payload: Uint8Array) => T,
  ): Promise<T> {
    return this.#start({ writes: isWrite, decode }, options, (call) => {
      this.#batcher.add(call, { kind, bytes });
    });
  }

  /** A call with a subject of its own. */
  #ask<T>(
    subject: string,
    request: Uint8Array,
    options: CallOptions,
    isWrite: boolean,
    decode: (payload: Uint8Array) => T,
  ): Promise<T> {
    return this.#start({ writes: isWrite, decode }, options, (call) => {
      call.markSent();
      this.#transport.request(subject, request, { timeoutMs: call.remainingMs }, (result) => {
        call.settle(attemptResultOf(result));
      });
    });
  }

  #start<T>(
    call: Pick<PendingCallOptions<T>, "writes" | "decode">,
    options: CallOptions,
    transmit: (call: PendingCall<unknown>) => void,
  ): Promise<T> {
    if (this.#closed)
      return Promise.reject(new QuorateError("CANCELLED", "the client was closed", "definite"));
    if (this.#pendingCalls >= this.#pendingCallsMax) {
      const message = `too many calls at once: ${this.#pendingCalls} have not been answered yet`;
      return Promise.reject(new QuorateError("RESOURCE_EXHAUSTED", message, "definite"));
    }
    this.#pendingCalls += 1;
    const finished = (): void => {
      this.#pendingCalls -= 1;
    };
    return new PendingCall(
      { ...call, timeoutMs: options.timeoutMs ?? this.#timeoutMs, signal: options.signal },
      { clock: this.#clock, transmit, finished },
    ).promise;
  }
}
