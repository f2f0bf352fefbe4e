import type { ApiService } from "@quorate/wire";
import type { ApiMethod } from "../api/api-method";
import type { ClusterApi } from "../api/cluster-api";
import type { KvApi } from "../api/kv-api";
import type { LeaseApi } from "../api/lease-api";
import type { MaintenanceApi } from "../api/maintenance-api";
import { batchMethod } from "./batch-method";

/** One call of the NATS API: `quorate.<cluster>.<service>.<method>`. */
export interface NatsMethod {
  readonly service: ApiService;
  readonly method: string;
  readonly call: ApiMethod;
  /** Full names of the messages, for JSON; `undefined` where JSON would only wrap encoded bytes. */
  readonly json: { readonly request: string; readonly response: string } | undefined;
}

export interface NatsApis {
  readonly kv: KvApi;
  readonly cluster: ClusterApi;
  readonly maintenance: MaintenanceApi;
  readonly lease: LeaseApi;
}

/** Everything that is served over NATS. */
export function natsMethods({ kv, cluster, maintenance, lease }: NatsApis): readonly NatsMethod[] {
  return [
    { service: "kv", method: "range", call: kv.range, json: etcdMessages("RangeRequest", "RangeResponse") },
    { service: "kv", method: "put", call: kv.put, json: etcdMessages("PutRequest", "PutResponse") },
    {
      service: "kv",
      method: "deleterange",
      call: kv.deleteRange,
      json: etcdMessages("DeleteRangeRequest", "DeleteRangeResponse"),
    },
    { service: "kv", method: "txn", call: kv.txn, json: etcdMessages("TxnRequest", "TxnResponse") },
    {
      service: "kv",
      method: "compact",
      call: kv.compact,
      json: etcdMessages("CompactionRequest", "CompactionResponse"),
    },
    { service: "kv", method: "batch", call: batchMethod(kv), json: undefined },
    {
      service: "cluster",
      method: "memberlist",
      call: cluster.memberList,
      json: etcdMessages("MemberListRequest", "MemberListResponse"),
    },
    {
      service: "maintenance",
      method: "status",
      call: cluster.status,
      json: etcdMessages("StatusRequest", "StatusResponse"),
    },
    maintenanceMethod("hashkv", maintenance.hashKv, "HashKV"),
    maintenanceMethod("hash", maintenance.hash, "Hash"),
    maintenanceMethod("defragment", maintenance.defragment, "Defragment"),
    leaseMethod("grant", lease.grant, "LeaseGrant"),
    leaseMethod("revoke", lease.revoke, "LeaseRevoke"),
    leaseMethod("keepalive", lease.keepAlive, "LeaseKeepAlive"),
    leaseMethod("timetolive", lease.timeToLive, "LeaseTimeToLive"),
    leaseMethod("leases", lease.leases, "LeaseLeases"),
  ];
}

function maintenanceMethod(method: string, call: ApiMethod, messages: string): NatsMethod {
  const json = etcdMessages(`${messages}Request`, `${messages}Response`);
  return { service: "maintenance", method, call, json };
}

function leaseMethod(method: string, call: ApiMethod, messages: string): NatsMethod {
  return {
    service: "lease",
    method,
    call,
    json: etcdMessages(`${messages}Request`, `${messages}Response`),
  };
}

function etcdMessages(
  request: string,
  response: string,
): { readonly request: string; readonly response: string } {
  return { request: `etcdserverpb.${request}`, response: `etcdserverpb.${response}` };
}
