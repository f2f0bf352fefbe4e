import * as wire from "@quorate/wire";
import { eventMessageOf } from "@quorate/wire";
import { fuzzTarget, type FuzzTarget } from "../engine/fuzz-target";
import { samplesOf } from "./message-sample";

function request<Value>(
  type: string,
  decode: (bytes: Uint8Array) => Value,
  encode?: (value: Value) => Uint8Array,
): FuzzTarget {
  return fuzzTarget({
    name: type.slice(type.lastIndexOf(".") + 1),
    decode,
    ...(encode === undefined ? {} : { encode }),
    declares: [wire.DecodeError],
    skipsUnknownFields: true,
    seeds: () => samplesOf(type),
  });
}

const subjects = new wire.Subjects(wire.parseClusterName("dev"));

/** What anyone may send to a gateway, over gRPC or NATS, and what the client library reads of its answers. */
export const requestsTargets: readonly FuzzTarget[] = [
  request("etcdserverpb.RangeRequest", wire.decodeRangeRequest),
  request("etcdserverpb.PutRequest", wire.decodePutRequest),
  request("etcdserverpb.DeleteRangeRequest", wire.decodeDeleteRangeRequest),
  request("etcdserverpb.TxnRequest", wire.decodeTxnRequest),
  request("etcdserverpb.CompactionRequest", wire.decodeCompactRequest),
  request("etcdserverpb.HashKVRequest", wire.decodeHashKvRequest),
  request("etcdserverpb.LeaseGrantRequest", wire.decodeLeaseGrantRequest, wire.encodeLeaseGrantRequest),
  request("etcdserverpb.LeaseRevokeRequest", wire.decodeLeaseRevokeRequest),
  request("etcdserverpb.LeaseKeepAliveRequest", wire.decodeLeaseKeepAliveRequest),
  request("etcdserverpb.LeaseTimeToLiveRequest", wire.decodeLeaseTimeToLiveRequest),
  request("etcdserverpb.AlarmRequest", wire.decodeAlarmQuery),
  request("etcdserverpb.WatchRequest", wire.decodeWatchRequest),
  request("quorate.api.v1.BatchRequest", wire.decodeBatchRequest, wire.encodeBatchRequest),
  request("quorate.api.v1.BatchResponse", wire.decodeBatchResponse, wire.encodeBatchResponse),
  request("mvccpb.Event", (bytes) => eventMessageOf(bytes, subjects)),
];
