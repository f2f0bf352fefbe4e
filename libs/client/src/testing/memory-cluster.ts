import type { Clock, Timer } from "@quorate/base";
import type { LeaseId, Revision } from "@quorate/mvcc";
import {
  STATE_COLUMNS,
  StateMachine,
  type Command,
  type CommandOutcome,
  type StateColumn,
} from "@quorate/state-machine";
import { MemoryKeyValueStore } from "@quorate/storage";
import type { InboundMessage, Transport } from "@quorate/transport";
import {
  decodeBatchRequest,
  decodeCommand,
  decodeFeedBatch,
  decodeMessage,
  decodeRead,
  encodeBatchResponse,
  encodeFeedBatch,
  etcdserverpb,
  ResponseEncoder,
  signedId,
  type BatchAnswer,
  type BatchCall,
  type Subjects,
} from "@quorate/wire";
import { ScriptedFanout } from "./scripted-fanout";

const NOT_FOUND = 5;
const TERM = 3;

export interface MemoryClusterDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
}

/**
 * All that a client sees of a cluster, for specs: the real state machine on a store in memory, leases that end on the
 * test's clock, and a fan-out. No log, no members: what it takes from its transport has happened, and is answered at once.
 */
export class MemoryCluster {
  /** How many of the coming batches happen without being answered. */
  unanswered = 0;
  /** Whether each batch is followed by writes and the compaction of all that came before them. */
  compactsAfterBatch = false;
  readonly #store = new MemoryKeyValueStore<StateColumn>(STATE_COLUMNS);
  readonly #machine = new StateMachine({}, { view: this.#store });
  readonly #encoder = new ResponseEncoder({ clusterId: 1n, memberId: 2n });
  readonly #fanout: ScriptedFanout;
  readonly #expiries = new Map<bigint, { readonly ttlSeconds: number; timer: Timer }>();
  #leaseIds = 0xa0n;

  constructor(private readonly dependencies: MemoryClusterDependencies) {
    const { transport, subjects } = dependencies;
    const { revision } = this.#machine.position;
    this.#fanout = new ScriptedFanout({ source: 1, revision }, { transport, subjects });
    transport.subscribe(subjects.api("kv", "batch"), (message) => this.#batch(message));
    this.#serve("grant", (payload) => this.#grant(payload));
    this.#serve("revoke", (payload) => {
      const { ID } = decodeMessage("LeaseRevokeRequest", etcdserverpb.LeaseRevokeRequest, payload);
      return this.#end(signedId(ID));
    });
    this.#serve("keepalive", (payload) => {
      const { ID } = decodeMessage("LeaseKeepAliveRequest", etcdserverpb.LeaseKeepAliveRequest, payload);
      return this.#renew(signedId(ID));
    });
  }

  /** The keys that exist, in order. */
  get keys(): string[] {
    const everything = etcdserverpb.RangeRequest.encode({ key: ZERO, rangeEnd: ZERO }).finish();
    const found = this.#machine.read(decodeRead({ kind: "range", bytes: everything }));
    return found.ok && found.kind === "range"
      ? found.response.kvs.map(({ key }) => Buffer.from(key).toString())
      : [];
  }

  /** Ids of the leases that live. */
  get leases(): bigint[] {
    return [...this.#expiries.keys()];
  }

  /** Ends a lease as an operator does. */
  revoke(id: bigint): void {
    this.#end(id);
  }

  #batch({ payload, reply }: InboundMessage): void {
    const calls = decodeBatchRequest(payload.slice());
    const answers = calls.map((call) => this.#call(call));
    if (this.compactsAfterBatch) this.#compact();
    if (this.unanswered > 0) this.unanswered -= 1;
    else this.dependencies.transport.publish(reply!, encodeBatchResponse(answers));
  }

  #call({ kind, bytes }: BatchCall): BatchAnswer {
    if (kind === "range") {
      const found = this.#machine.read(decodeRead({ kind, bytes }));
      if (!found.ok || found.kind !== "range") return { ok: false, ...REFUSED };
      return { ok: true, bytes: this.#encoder.range(found.response, TERM) };
    }
    const outcome = this.#apply(decodeCommand({ kind, bytes }));
    if (!outcome.ok) {
      const isLeaseGone = outcome.error.code === "lease-not-found";
      return { ok: false, ...(isLeaseGone ? LEASE_NOT_FOUND : REFUSED) };
    }
    const { response } = outcome;
    switch (response.kind) {
      case "put":
        return { ok: true, bytes: this.#encoder.put(response.response, TERM) };
      case "delete-range":
        return { ok: true, bytes: this.#encoder.deleteRange(response.response, TERM) };
      case "txn":
        return { ok: true, bytes: this.#encoder.txn(response.response, TERM) };
      default:
        return { ok: false, ...REFUSED };
    }
  }

  #compact(): void {
    const bytes = etcdserverpb.PutRequest.encode({ key: Buffer.from("zzz") }).finish();
    for (let more = 0; more < 2; more += 1) this.#apply(decodeCommand({ kind: "put", bytes }));
    const revision = this.#machine.position.revision;
    this.#apply({ kind: "compact", request: { revision, physical: false } });
    this.#fanout.hub.compacted(revision);
  }

  #apply(command: Command): CommandOutcome {
    const { index, revision: prevRevision } = this.#machine.position;
    const batch = this.#store.batch();
    const { outcomes, events } = this.#machine.apply(
      [{ index: index + 1, term: TERM, commands: [command] }],
      batch,
    );
    batch.write({ sync: false });
    const { revision, compactRevision } = this.#machine.position;
    const head = { prevRevision, revision, compactRevision, term: TERM, bare: false };
    const fed = events.map((event) => ({ event, prevKv: undefined }));
    this.#fanout.hub.feed(
      decodeFeedBatch(encodeFeedBatch(head as Parameters<typeof encodeFeedBatch>[0], fed)),
    );
    this.#fanout.flush();
    return outcomes[0]![0]!;
  }

  #serve(method: string, answer: (payload: Uint8Array) => Uint8Array | undefined): void {
    const { transport, subjects } = this.dependencies;
    transport.subscribe(subjects.api("lease", method), ({ payload, reply }) => {
      const bytes = answer(payload.slice());
      if (bytes !== undefined) return transport.publish(reply!, bytes);
      const headers = {
        "Nats-Service-Error-Code": `${NOT_FOUND}`,
        "Nats-Service-Error": LEASE_NOT_FOUND.message,
      };
      transport.publish(reply!, new Uint8Array(0), { headers });
    });
  }

  #grant(payload: Uint8Array): Uint8Array {
    const { TTL } = decodeMessage("LeaseGrantRequest", etcdserverpb.LeaseGrantRequest, payload);
    const id = (this.#leaseIds += 1n);
    const ttlSeconds = Number(TTL);
    this.#apply({ kind: "lease-grant", request: { id: id as LeaseId, ttlSeconds } });
    this.#expiries.set(id, { ttlSeconds, timer: this.#expiry(id, ttlSeconds) });
    return this.#leaseTtl(id, ttlSeconds);
  }

  #renew(id: bigint): Uint8Array {
    const lease = this.#expiries.get(id);
    if (lease === undefined) return this.#leaseTtl(id, 0);
    lease.timer.cancel();
    lease.timer = this.#expiry(id, lease.ttlSeconds);
    return this.#leaseTtl(id, lease.ttlSeconds);
  }

  #end(id: bigint): Uint8Array | undefined {
    const lease = this.#expiries.get(id);
    if (lease === undefined) return undefined;
    lease.timer.cancel();
    this.#expiries.delete(id);
    this.#apply({ kind: "lease-revoke", request: { id: id as LeaseId } });
    return this.#encoder.leaseRevoke({ revision: this.#machine.position.revision }, TERM);
  }

  #expiry(id: bigint, ttlSeconds: number): Timer {
    return this.dependencies.clock.setTimer(ttlSeconds * 1000, () => this.#end(id));
  }

  #leaseTtl(id: bigint, ttlSeconds: number): Uint8Array {
    const revision: Revision = this.#machine.position.revision;
    return this.#encoder.leaseKeepAlive({ revision, id: id as LeaseId, ttlSeconds }, TERM);
  }
}

const ZERO = new Uint8Array(1);
const LEASE_NOT_FOUND = {
  code: NOT_FOUND,
  message: "etcdserver: requested lease not found",
  unknownOutcome: false,
};
const REFUSED = { code: 13, message: "refused by the memory cluster", unknownOutcome: false };
