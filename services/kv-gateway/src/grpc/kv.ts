import type { KvApi } from "../api/kv-api";
import { unaryService, type FailureListener, type RawService } from "./unary";

/** `etcdserverpb.KV` without RangeStream, which clients take for an older etcd and read in pages instead. */
export function kvService(api: KvApi, failed: FailureListener): RawService {
  return unaryService(
    "etcdserverpb.KV",
    {
      Range: api.range,
      Put: api.put,
      DeleteRange: api.deleteRange,
      Txn: api.txn,
      Compact: api.compact,
    },
    failed,
  );
}
