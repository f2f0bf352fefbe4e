import type { LockApi } from "../recipes/lock-api";
import type { GrpcService } from "./server";
import { unaryService, type FailureListener } from "./unary";

/** `v3lockpb.Lock`. */
export function lockService({ lock, unlock }: LockApi, failed: FailureListener): GrpcService {
  return unaryService("v3lockpb.Lock", { Lock: lock, Unlock: unlock }, failed);
}
