import { tmpdir } from "node:os";
import type { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import { NO_TRACER } from "@quorate/telemetry";
import type { LeaseId } from "@quorate/lease";
import type { Transport } from "@quorate/transport";
import type { RawCommand, RawLeaseQuery, RawRead, Subjects } from "@quorate/wire";
import type { CallOutcome, WriteKind } from "../../services/kv-gateway/src/actors/pending-call";
import type { ApiMethod } from "../../services/kv-gateway/src/api/api-method";
import { Gateway } from "../../services/kv-gateway/src/gateway";
import { LARGE_LIMITS, type SmallLimits } from "./small-limits";

type Reply = (outcome: CallOutcome) => void;

/** Reads of clients of the simulation: a gateway makes the other kinds by itself. */
export type SimulatedReadKind = Extract<RawRead["kind"], "range" | "txn" | "alarms">;

/** The gateway as its process has it, from the API on: everything but the doors. */
export class SimulatedGateway {
  readonly #gateway: Gateway;

  constructor(
    private readonly options: {
      readonly id: bigint;
      readonly timeoutMs: number;
      readonly limits?: SmallLimits["gateway"];
    },
    dependencies: {
      readonly time: VirtualTime;
      readonly transport: Transport;
      readonly subjects: Subjects;
    },
  ) {
    const { time, transport } = dependencies;
    const { id, timeoutMs, limits = LARGE_LIMITS.gateway } = options;
    const prng = seededPrng(Number(BigInt.asUintN(53, id)));
    this.#gateway = new Gateway(
      {
        ...limits,
        gateway: id,
        homeMember: undefined,
        advertiseClientUrls: [],
        requestTimeoutMs: timeoutMs,
        learnersMax: 1,
        electionTimeoutMs: 1000,
        readPreference: "spread",
        queueBytesMax: 64 * 1024 * 1024,
        largeAnswerBytesMax: 64 * 1024 * 1024,
        watchProgressNotifyMs: 500,
        watchStreamWindowBytes: 1024 * 1024,
        watchStreamWatchersMax: 1000,
        spoolDirectory: tmpdir(),
      },
      {
        ...dependencies,
        watchTransport: transport,
        clock: time,
        scheduler: time,
        prng,
        tracer: NO_TRACER,
        drawLeaseId: () => BigInt(prng.next() + 1) as LeaseId,
        drawId: () => BigInt(prng.next() + 1),
      },
    );
  }

  write({ kind, bytes }: RawCommand & { readonly kind: WriteKind }, reply: Reply): void {
    this.#call(this.#writing(kind), bytes, reply);
  }

  read({ kind, bytes }: RawRead & { readonly kind: SimulatedReadKind }, reply: Reply): void {
    const { kv, alarms } = this.#gateway;
    this.#call(kind === "alarms" ? alarms.alarm : kv[kind], bytes, reply);
  }

  askLease({ kind, bytes }: RawLeaseQuery, reply: Reply): void {
    const { lease } = this.#gateway;
    this.#call(kind === "keep-alive" ? lease.keepAlive : lease.timeToLive, bytes, reply);
  }

  #writing(kind: WriteKind): ApiMethod {
    const { kv, lease, alarms } = this.#gateway;
    switch (kind) {
      case "put":
        return kv.put;
      case "delete-range":
        return kv.deleteRange;
      case "txn":
        return kv.txn;
      case "compact":
        return kv.compact;
      case "lease-grant":
        return lease.grant;
      case "lease-revoke":
        return lease.revoke;
      case "alarm":
        return alarms.alarm;
    }
  }

  #call(method: ApiMethod, bytes: Uint8Array, reply: Reply): void {
    method(bytes, { timeoutMs: this.options.timeoutMs, requireLeader: false }, reply);
  }
}
