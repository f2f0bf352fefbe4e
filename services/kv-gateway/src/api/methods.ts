import type { SnapshotApi } from "../backup/snapshot-api";
import type { ElectionApi } from "../recipes/election-api";
import type { LockApi } from "../recipes/lock-api";
import type { WatchApi } from "../watch/watch-api";
import { watchMethod } from "../watch/watch-method";
import type { AlarmApi } from "./alarm-api";
import type { ApiMethod } from "./api-method";
import type { ClusterApi } from "./cluster-api";
import type { KeepAliveStreams } from "./keep-alive-streams";
import type { KvApi } from "./kv-api";
import type { LeaseApi } from "./lease-api";
import type { MaintenanceApi } from "./maintenance-api";
import type { MembershipApi } from "./membership-api";
import { rangeStreamMethod } from "./range-stream-method";
import type { StreamMethod } from "./stream-method";

/** The methods of the API by their full names, `etcdserverpb.KV/Range`. Whatever is missing is UNIMPLEMENTED. */
export interface ApiMethods {
  readonly unary: Readonly<Record<string, ApiMethod>>;
  readonly streams: Readonly<Record<string, StreamMethod>>;
}

export interface Apis {
  readonly kv: KvApi;
  readonly cluster: ClusterApi;
  readonly membership: MembershipApi;
  readonly alarms: AlarmApi;
  readonly maintenance: MaintenanceApi;
  readonly snapshots: SnapshotApi;
  readonly lease: LeaseApi;
  readonly keepAliveStreams: KeepAliveStreams;
  readonly watch: WatchApi;
  readonly lock: LockApi;
  readonly election: ElectionApi;
}

/** What etcd's doors serve, gRPC and HTTP/JSON alike. */
export function apiMethods(apis: Apis): ApiMethods {
  const {
    kv,
    cluster,
    membership,
    alarms,
    maintenance,
    snapshots,
    lease,
    keepAliveStreams,
    watch,
    lock,
    election,
  } = apis;
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
      "etcdserverpb.Cluster/MemberAdd": membership.memberAdd,
      "etcdserverpb.Cluster/MemberRemove": membership.memberRemove,
      "etcdserverpb.Cluster/MemberUpdate": membership.memberUpdate,
      "etcdserverpb.Cluster/MemberPromote": membership.memberPromote,
      "etcdserverpb.Maintenance/MoveLeader": membership.moveLeader,
      "etcdserverpb.Maintenance/Status": cluster.status,
      "etcdserverpb.Maintenance/Downgrade": cluster.downgrade,
      "etcdserverpb.Maintenance/Alarm": alarms.alarm,
      "etcdserverpb.Maintenance/HashKV": maintenance.hashKv,
      "etcdserverpb.Maintenance/Hash": maintenance.hash,
      "etcdserverpb.Maintenance/Defragment": maintenance.defragment,
      "v3lockpb.Lock/Lock": lock.lock,
      "v3lockpb.Lock/Unlock": lock.unlock,
      "v3electionpb.Election/Campaign": election.campaign,
      "v3electionpb.Election/Proclaim": election.proclaim,
      "v3electionpb.Election/Leader": election.leader,
      "v3electionpb.Election/Resign": election.resign,
    },
    streams: {
      "etcdserverpb.KV/RangeStream": rangeStreamMethod(kv),
      "etcdserverpb.Lease/LeaseKeepAlive": keepAliveStreams.open,
      "etcdserverpb.Maintenance/Snapshot": snapshots.snapshot,
      "etcdserverpb.Watch/Watch": watchMethod(watch),
      "v3electionpb.Election/Observe": election.observe,
    },
  };
}
