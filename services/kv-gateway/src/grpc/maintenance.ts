import type { AlarmApi } from "../api/alarm-api";
import type { ClusterApi } from "../api/cluster-api";
import { unaryService, type FailureListener, type RawService } from "./unary";

/** `etcdserverpb.Maintenance`: what monitoring and kube-apiserver look at. */
export function maintenanceService(
  cluster: ClusterApi,
  alarms: AlarmApi,
  failed: FailureListener,
): RawService {
  return unaryService("etcdserverpb.Maintenance", { Status: cluster.status, Alarm: alarms.alarm }, failed);
}
