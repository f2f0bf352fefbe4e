import type { KvApi } from "./kv-api";
import { startRangeStream, type RangeStream } from "./range-stream-api";
import type { StreamMethod } from "./stream-method";

/** `RangeStream`: one request, and its answer in chunks as fast as the caller reads. */
export function rangeStreamMethod(kv: KvApi): StreamMethod {
  return (context, sink) => {
    let stream: RangeStream | undefined;
    return {
      receive: (request) => {
        const chunks = {
          write: (chunk: Uint8Array) => sink.send(chunk),
          end: () => sink.end(),
          fail: sink.end.bind(sink),
        };
        stream = startRangeStream(request, context, { kv, sink: chunks });
      },
      endOfRequests: () => undefined,
      drained: () => stream?.resume(),
      cancel: () => stream?.abandon(),
    };
  };
}
