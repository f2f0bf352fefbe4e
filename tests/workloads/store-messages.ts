import { binaryString, bytesOfBinaryString } from "@quorate/base";
import type { Event } from "@quorate/mvcc";
import { etcdserverpb, saturatingNumber, signedId, wireId, type mvccpb, type WireInt64 } from "@quorate/wire";

import type {
  Change,
  Comparison,
  KeySpan,
  StepResult,
  StoreRequest,
  StoreResult,
  TxnStep,
  Version,
} from "../checkers/history";
import type { SeenEvent } from "../checkers/watches";

/** Which request of the etcd API the bytes are. */
export type StoreMethod = "range" | "put" | "delete-range" | "txn" | "lease-grant" | "lease-revoke";

const pb = etcdserverpb;

/** A request of a history as the etcd API sends it. */
export function encodeStoreRequest(request: StoreRequest): {
  readonly method: StoreMethod;
  readonly bytes: Uint8Array;
} {
  switch (request.kind) {
    case "range":
      return { method: "range", bytes: pb.RangeRequest.encode(rangeMessage(request)).finish() };
    case "put":
      return { method: "put", bytes: pb.PutRequest.encode(putMessage(request)).finish() };
    case "delete":
      return { method: "delete-range", bytes: pb.DeleteRangeRequest.encode(spanMessage(request)).finish() };
    case "txn": {
      const message = {
        compare: request.compare.map(compareMessage),
        success: request.success.map(stepMessage),
        failure: request.failure.map(stepMessage),
      };
      return { method: "txn", bytes: pb.TxnRequest.encode(message).finish() };
    }
    case "grant": {
      const message = { ID: wireId(leaseId(request.lease)), TTL: request.ttlMs / 1000 };
      return { method: "lease-grant", bytes: pb.LeaseGrantRequest.encode(message).finish() };
    }
    case "revoke": {
      const message = { ID: wireId(leaseId(request.lease)) };
      return { method: "lease-revoke", bytes: pb.LeaseRevokeRequest.encode(message).finish() };
    }
  }
}

/** What the answer to `request` says, in the words of histories. */
export function decodeStoreAnswer(
  request: StoreRequest,
  bytes: Uint8Array,
): { readonly kind: "ok"; readonly revision: number; readonly result: StoreResult } {
  const ok = (header: { readonly revision?: WireInt64 | null } | null | undefined, result: StoreResult) =>
    ({ kind: "ok", revision: numberOf(header?.revision), result }) as const;
  switch (request.kind) {
    case "range": {
      const { header, kvs } = pb.RangeResponse.decode(bytes);
      return ok(header, { kind: "range", kvs: kvs.map(versionOf) });
    }
    case "put":
      return ok(pb.PutResponse.decode(bytes).header, { kind: "put" });
    case "delete": {
      const { header, deleted } = pb.DeleteRangeResponse.decode(bytes);
      return ok(header, { kind: "delete", deleted: numberOf(deleted) });
    }
    case "txn": {
      const { header, succeeded, responses } = pb.TxnResponse.decode(bytes);
      return ok(header, { kind: "txn", succeeded, results: responses.map(stepResultOf) });
    }
    case "grant":
      return ok(pb.LeaseGrantResponse.decode(bytes).header, { kind: "lease" });
    case "revoke":
      return ok(pb.LeaseRevokeResponse.decode(bytes).header, { kind: "lease" });
  }
}

export function versionOf(kv: mvccpb.KeyValue.$Properties): Version {
  return {
    key: textOf(kv.key),
    value: textOf(kv.value),
    createRevision: numberOf(kv.createRevision),
    modRevision: numberOf(kv.modRevision),
    version: numberOf(kv.version),
    ...leaseOf(signedId(kv.lease ?? 0)),
  };
}

/** Events of a store as the changes of a history. */
export function changesOf(events: readonly Event[]): Change[] {
  return events.map(({ kind, main, kv }) => ({
    revision: main,
    key: binaryString(kv.key),
    ...(kind === "put" ? { value: binaryString(kv.value), ...leaseOf(kv.lease) } : {}),
  }));
}

/** An event of a watch as a change. */
export function changeOf({ type, kv }: mvccpb.Event.$Properties): Change {
  const { key, value, lease, modRevision } = versionOf(kv ?? {});
  const isDelete = type === DELETE;
  return {
    revision: modRevision,
    key,
    ...(isDelete ? {} : { value, ...(lease === undefined ? {} : { lease }) }),
  };
}

/** An event of a watch as a client saw it, in the response of that number. */
export function seenEventOf(event: mvccpb.Event.$Properties, response: number): SeenEvent {
  const { createRevision, version } = versionOf(event.kv ?? {});
  return {
    ...changeOf(event),
    createRevision,
    version,
    ...(event.prevKv == null ? {} : { previous: versionOf(event.prevKv) }),
    response,
  };
}

/** `mvccpb.Event.EventType.DELETE`. */
const DELETE = 1;

function rangeMessage(
  request: KeySpan & { readonly serializable?: true },
): etcdserverpb.RangeRequest.$Properties {
  return { ...spanMessage(request), serializable: request.serializable ?? false };
}

function putMessage({
  key,
  value,
  lease,
}: TxnStep & { readonly kind: "put" }): etcdserverpb.PutRequest.$Properties {
  return {
    key: bytesOfBinaryString(key),
    value: bytesOfBinaryString(value),
    ...(lease === undefined ? {} : { lease: wireId(leaseId(lease)) }),
  };
}

function spanMessage({ key, rangeEnd }: KeySpan): { key: Uint8Array; rangeEnd?: Uint8Array } {
  return {
    key: bytesOfBinaryString(key),
    ...(rangeEnd === undefined ? {} : { rangeEnd: bytesOfBinaryString(rangeEnd) }),
  };
}

function stepMessage(step: TxnStep): etcdserverpb.RequestOp.$Properties {
  switch (step.kind) {
    case "range":
      return { requestRange: spanMessage(step) };
    case "put":
      return { requestPut: putMessage(step) };
    case "delete":
      return { requestDeleteRange: spanMessage(step) };
  }
}

function compareMessage({ key, target, equals }: Comparison): etcdserverpb.Compare.$Properties {
  const { CompareTarget } = pb.Compare;
  const of = { key: bytesOfBinaryString(key) };
  switch (target) {
    case "value":
      return { ...of, target: CompareTarget.VALUE, value: bytesOfBinaryString(equals) };
    case "mod":
      return { ...of, target: CompareTarget.MOD, modRevision: equals };
    case "create":
      return { ...of, target: CompareTarget.CREATE, createRevision: equals };
    case "version":
      return { ...of, target: CompareTarget.VERSION, version: equals };
  }
}

function stepResultOf(response: etcdserverpb.ResponseOp): StepResult {
  if (response.responseRange)
    return { kind: "range", kvs: (response.responseRange.kvs ?? []).map(versionOf) };
  if (response.responseDeleteRange)
    return { kind: "delete", deleted: numberOf(response.responseDeleteRange.deleted) };
  return { kind: "put" };
}

function leaseId(lease: string): bigint {
  return BigInt(`0x${lease}`);
}

function leaseOf(lease: bigint): { readonly lease?: string } {
  return lease === 0n ? {} : { lease: lease.toString(16) };
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return binaryString(bytes ?? new Uint8Array(0));
}

function numberOf(value: WireInt64 | null | undefined): number {
  return saturatingNumber(value ?? 0);
}
