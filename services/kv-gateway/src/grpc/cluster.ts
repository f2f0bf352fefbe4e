import type { ClusterApi } from "../api/cluster-api";
import { unaryService, type FailureListener, type RawService } from "./unary";

/** `etcdserverpb.Cluster`: where clients learn the endpoints. */
export function clusterService(api: ClusterApi, failed: FailureListener): RawService {
  return unaryService("etcdserverpb.Cluster", { MemberList: api.memberList }, failed);
}
