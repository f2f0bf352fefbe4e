import type { ApiService } from "@quorate/wire";
import type { AlarmApi } from "../api/alarm-api";
import type { ApiMethod } from "../api/api-method";
import type { ClusterApi } from "../api/cluster-api";
import type { KvApi } from "../api/kv-api";
import type { LeaseApi } from "../api/lease-api";
import type { MaintenanceApi } from "../api/maintenance-api";
import type { MembershipApi } from "../api/membership-api";
import type { ElectionApi } from "../recipes/election-api";
import type { LockApi } from "../recipes/lock-api";
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
  readonly membership: MembershipApi;
  readonly alarms: AlarmApi;
  readonly maintenance: MaintenanceApi;
  readonly lease: LeaseApi;
  readonly lock: LockApi;
  readonly election: ElectionApi;
}

/** Everything that is served over NATS. An election is observed there by watching its keys, as the client library can. */
export function natsMethods(apis: NatsApis): readonly NatsMethod[] {
  const { kv, cluster, membership, alarms, maintenance, lease, lock, election } = apis;
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
    namedMethod("cluster", "memberadd", membership.memberAdd, "etcdserverpb.MemberAdd"),
    namedMethod("cluster", "memberremove", membership.memberRemove, "etcdserverpb.MemberRemove"),
    namedMethod("cluster", "memberupdate", membership.memberUpdate, "etcdserverpb.MemberUpdate"),
    namedMethod("cluster", "memberpromote", membership.memberPromote, "etcdserverpb.MemberPromote"),
    maintenanceMethod("moveleader", membership.moveLeaderFromAnywhere, "MoveLeader"),
    maintenanceMethod("status", cluster.status, "Status"),
    maintenanceMethod("downgrade", cluster.downgrade, "Downgrade"),
    maintenanceMethod("alarm", alarms.alarm, "Alarm"),
    maintenanceMethod("hashkv", maintenance.hashKv, "HashKV"),
    maintenanceMethod("hash", maintenance.hash, "Hash"),
    maintenanceMethod("defragment", maintenance.defragment, "Defragment"),
    leaseMethod("grant", lease.grant, "LeaseGrant"),
    leaseMethod("revoke", lease.revoke, "LeaseRevoke"),
    leaseMethod("keepalive", lease.keepAlive, "LeaseKeepAlive"),
    leaseMethod("timetolive", lease.timeToLive, "LeaseTimeToLive"),
    leaseMethod("leases", lease.leases, "LeaseLeases"),
    namedMethod("lock", "lock", lock.lock, "v3lockpb.Lock"),
    namedMethod("lock", "unlock", lock.unlock, "v3lockpb.Unlock"),
    namedMethod("election", "campaign", election.campaign, "v3electionpb.Campaign"),
    namedMethod("election", "proclaim", election.proclaim, "v3electionpb.Proclaim"),
    namedMethod("election", "leader", election.leader, "v3electionpb.Leader"),
    namedMethod("election", "resign", election.resign, "v3electionpb.Resign"),
  ];
}

function maintenanceMethod(method: string, call: ApiMethod, messages: string): NatsMethod {
  const json = etcdMessages(`${messages}Request`, `${messages}Response`);
  return { service: "maintenance", method, call, json };
}

/** @param messages What the names of the messages begin with, the package included. */
function namedMethod(service: ApiService, method: string, call: ApiMethod, messages: string): NatsMethod {
  return { service, method, call, json: { request: `${messages}Request`, response: `${messages}Response` } };
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
