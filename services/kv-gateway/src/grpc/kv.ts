import type { ServerWritableStream } from "@grpc/grpc-js";
import type { KvApi } from "../api/kv-api";
import { startRangeStream, type ChunkSink } from "../api/range-stream-api";
import { grpcStatusOf } from "./status";
import {
  contextOf,
  rawMethod,
  unaryService,
  type FailureListener,
  type RawService,
  type RawStreamHandler,
} from "./unary";

const RANGE_STREAM = "etcdserverpb.KV/RangeStream";

/** `etcdserverpb.KV`, with RangeStream of etcd 3.7. */
export function kvService(api: KvApi, failed: FailureListener): RawService {
  const unary = unaryService(
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
  return {
    definition: { ...unary.definition, RangeStream: rawMethod(`/${RANGE_STREAM}`, true) },
    implementation: { ...unary.implementation, RangeStream: rangeStreamHandler(api, failed) },
  };
}

function rangeStreamHandler(kv: KvApi, failed: FailureListener): RawStreamHandler {
  return (call) => {
    const stream = startRangeStream(call.request, contextOf(call), { kv, sink: sinkOf(call, failed) });
    call.on("drain", () => stream?.resume());
    call.on("cancelled", () => stream?.abandon());
  };
}

function sinkOf(call: ServerWritableStream<Uint8Array, Uint8Array>, failed: FailureListener): ChunkSink {
  return {
    write: (chunk) => call.write(chunk),
    end: () => call.end(),
    fail: (failure) => {
      const { code, message } = grpcStatusOf(failure);
      failed(RANGE_STREAM, { code, message }, failure.unknownOutcome);
      call.emit("error", { code, details: message.toWellFormed() });
    },
  };
}
