import type { ClusterApi } from "../api/cluster-api";
import { unaryService, type FailureListener, type RawService } from "./unary";

/** `etcdserverpb.Maintenance`: what monitoring and kube-apiserver look at. */
export function maintenanceService(api: ClusterApi, failed: FailureListener): RawService {
  return unaryService("etcdserverpb.Maintenance", { Status: api.status }, failed);
}
