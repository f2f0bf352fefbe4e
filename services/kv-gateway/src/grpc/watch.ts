import type { StreamMethod } from "../api/stream-method";
import { bidiMethod } from "./bidi";
import type { GrpcService } from "./server";
import type { FailureListener } from "./unary";

/** `etcdserverpb.Watch`: one method, one stream with any number of watchers. */
export function watchService(watch: StreamMethod, failed: FailureListener): GrpcService {
  const stream = bidiMethod("etcdserverpb.Watch/Watch", watch, failed);
  return { definition: { Watch: stream.definition }, implementation: { Watch: stream.handler } };
}
