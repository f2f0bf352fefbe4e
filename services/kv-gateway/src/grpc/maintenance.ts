import type { ClusterApi } from "../api/cluster-api";
import type { MaintenanceApi } from "../api/maintenance-api";
import { unaryService, type FailureListener, type RawService } from "./unary";

/** `etcdserverpb.Maintenance`: what monitoring and kube-apiserver look at. */
export function maintenanceService(
  { cluster, maintenance }: { readonly cluster: ClusterApi; readonly maintenance: MaintenanceApi },
  failed: FailureListener,
): RawService {
  const { hashKv, hash, defragment } = maintenance;
  const methods = { Status: cluster.status, HashKV: hashKv, Hash: hash, Defragment: defragment };
  return unaryService("etcdserverpb.Maintenance", methods, failed);
}
