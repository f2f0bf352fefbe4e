import type { ApiMethod } from "../api/api-method";
import type { ClusterApi } from "../api/cluster-api";
import type { KeepAliveStreams } from "../api/keep-alive-streams";
import type { KvApi } from "../api/kv-api";
import type { LeaseApi } from "../api/lease-api";
import type { MaintenanceApi } from "../api/maintenance-api";
import type { StreamMethod } from "../api/stream-method";
import type { WatchApi } from "../watch/watch-api";
import { watchMethod } from "../watch/watch-method";

/** What answers the paths of `rpc-paths.ts`, by the method's name there. Methods that are missing are UNIMPLEMENTED. */
export interface HttpMethods {
  readonly unary: Readonly<Record<string, ApiMethod>>;
  readonly streams: Readonly<Record<string, StreamMethod>>;
}

export interface HttpApis {
  readonly kv: KvApi;
  readonly cluster: ClusterApi;
  readonly maintenance: MaintenanceApi;
  readonly lease: LeaseApi;
  readonly keepAliveStreams: KeepAliveStreams;
  readonly watch: WatchApi;
}

/** Everything that is served over HTTP/JSON. */
export function httpMethods({
  kv,
  cluster,
  maintenance,
  lease,
  keepAliveStreams,
  watch,
}: HttpApis): HttpMethods {
  return {
    unary: {
      "etcdserverpb.KV/Range": kv.range,
      "etcdserverpb.KV/Put": kv.put,
      "etcdserverpb.KV/DeleteRange": kv.deleteRange,
      "etcdserverpb.KV/Txn": kv.txn,
      "etcdserverpb.KV/Compact": kv.compact,
      "etcdserverpb.Lease/LeaseGrant": lease.grant,
      "etcdserverpb.Lease/LeaseRevoke": lease.revoke,
      "etcdserverpb.Lease/LeaseTimeToLive": lease.timeToLive,
      "etcdserverpb.Lease/LeaseLeases": lease.leases,
      "etcdserverpb.Cluster/MemberList": cluster.memberList,
      "etcdserverpb.Maintenance/Status": cluster.status,
      "etcdserverpb.Maintenance/HashKV": maintenance.hashKv,
      "etcdserverpb.Maintenance/Hash": maintenance.hash,
      "etcdserverpb.Maintenance/Defragment": maintenance.defragment,
    },
    streams: {
      "etcdserverpb.Lease/LeaseKeepAlive": keepAliveStreams.open,
      "etcdserverpb.Watch/Watch": watchMethod(watch),
    },
  };
}
