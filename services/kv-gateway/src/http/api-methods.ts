import type { ApiMethod } from "../api/api-method";
import type { ClusterApi } from "../api/cluster-api";
import type { KvApi } from "../api/kv-api";
import type { StreamMethod } from "../api/stream-method";

/** What answers the paths of `rpc-paths.ts`, by the method's name there. Methods that are missing are UNIMPLEMENTED. */
export interface HttpMethods {
  readonly unary: Readonly<Record<string, ApiMethod>>;
  readonly streams: Readonly<Record<string, StreamMethod>>;
}

/** Everything that is served over HTTP/JSON. */
export function httpMethods(kv: KvApi, cluster: ClusterApi): HttpMethods {
  return {
    unary: {
      "etcdserverpb.KV/Range": kv.range,
      "etcdserverpb.KV/Put": kv.put,
      "etcdserverpb.KV/DeleteRange": kv.deleteRange,
      "etcdserverpb.KV/Txn": kv.txn,
      "etcdserverpb.KV/Compact": kv.compact,
      "etcdserverpb.Cluster/MemberList": cluster.memberList,
      "etcdserverpb.Maintenance/Status": cluster.status,
    },
    streams: {},
  };
}
