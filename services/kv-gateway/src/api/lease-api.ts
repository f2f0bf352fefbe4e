import type { ActorRef } from "@quorate/actor";
import { LEASE_TTL_SECONDS_MAX, leaseTtlSecondsMin, NO_LEASE, type LeaseId } from "@quorate/lease";
import {
  decodeLeaseGrantRequest,
  decodeLeaseKeepAliveRequest,
  decodeLeaseRevokeRequest,
  decodeLeaseTimeToLiveRequest,
  decodeMessage,
  encodeLeaseGrantRequest,
  etcdserverpb,
} from "@quorate/wire";
import type {
  LeaseQueryCall,
  LeaseQueryKind,
  PendingCall,
  ReadCall,
  WriteCall,
  WriteKind,
} from "../actors/pending-call";
import type { ApiCalls, Reply } from "./api-calls";
import type { ApiMethod, CallContext } from "./api-method";

export interface LeaseApiOptions {
  /** The nodes' minimum election timeout, in milliseconds: no lease is shorter than one and a half of it. */
  readonly electionTimeoutMs: number;
}

export interface LeaseApiDependencies {
  readonly calls: ApiCalls;
  readonly proposer: ActorRef<WriteCall>;
  /** Brings questions to the leader, again and again if need be. */
  readonly leaseReader: ActorRef<LeaseQueryCall>;
  readonly serializableReader: ActorRef<ReadCall>;
  /** Random positive 63-bit ids, different in every gateway and at each start. */
  readonly drawLeaseId: () => LeaseId;
}

/**
 * The lease calls. Grants and revokes are writes like any other; renewals and times to live are asked of the leader, who
 * alone keeps deadlines, and may be asked again.
 */
export class LeaseApi {
  constructor(
    private readonly options: LeaseApiOptions,
    private readonly dependencies: LeaseApiDependencies,
  ) {}

  readonly grant: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      const request = decodeLeaseGrantRequest(bytes);
      if (request.ttlSeconds > LEASE_TTL_SECONDS_MAX) return "lease-ttl-too-large";
      // Whatever is not a function of the log is decided before it gets there, so that every member does the same.
      const id = request.id === NO_LEASE ? this.dependencies.drawLeaseId() : request.id;
      const ttlSeconds = Math.max(request.ttlSeconds, leaseTtlSecondsMin(this.options.electionTimeoutMs));
      return this.#write("lease-grant", encodeLeaseGrantRequest({ id, ttlSeconds }), context, reply);
    });

  readonly revoke: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      decodeLeaseRevokeRequest(bytes);
      return this.#write("lease-revoke", bytes, context, reply);
    });

  /** One renewal; streams of them are a matter of the doors. */
  readonly keepAlive: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      decodeLeaseKeepAliveRequest(bytes);
      return this.#query("keep-alive", bytes, context, reply);
    });

  readonly timeToLive: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      decodeLeaseTimeToLiveRequest(bytes);
      return this.#query("time-to-live", bytes, context, reply);
    });

  /** As one member knows them, like a serializable read. */
  readonly leases: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      decodeMessage("LeaseLeasesRequest", etcdserverpb.LeaseLeasesRequest, bytes);
      const call = this.dependencies.calls.begin("leases", bytes, context, reply);
      this.dependencies.serializableReader.tell(call);
      return call;
    });

  #write(kind: WriteKind, bytes: Uint8Array, context: CallContext, reply: Reply): PendingCall {
    const call = this.dependencies.calls.begin(kind, bytes, context, reply);
    this.dependencies.proposer.tell(call);
    return call;
  }

  #query(kind: LeaseQueryKind, bytes: Uint8Array, context: CallContext, reply: Reply): PendingCall {
    const call = this.dependencies.calls.begin(kind, bytes, context, reply);
    this.dependencies.leaseReader.tell(call);
    return call;
  }
}
