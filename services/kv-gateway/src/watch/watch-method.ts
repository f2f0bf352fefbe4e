import { DecodeError, decodeWatchRequest, type WatchRequest } from "@quorate/wire";
import { definite } from "../api/request-failure";
import type { StreamCall, StreamMethod } from "../api/stream-method";
import type { WatchApi } from "./watch-api";

/** A stream that ended while it was opened: nobody is told anything. */
const NOTHING: StreamCall = {
  receive: () => undefined,
  endOfRequests: () => undefined,
  drained: () => undefined,
  cancel: () => undefined,
};

/** `Watch`, through whichever door: one stream with any number of watchers. */
export function watchMethod(api: WatchApi): StreamMethod {
  return (context, sink) => {
    // Whoever does not read cannot ask either: answers to what it asks would pile up here.
    const heeded = (goesOn: boolean): boolean => {
      if (!goesOn) sink.pause();
      return goesOn;
    };
    const { requireLeader, traceparent } = context;
    const stream = api.open(
      {
        write: (response) => heeded(sink.send(response)),
        writeShared: (responses) => heeded(sink.sendShared(responses)),
        fail: (failure) => sink.end(failure),
      },
      requireLeader,
      traceparent,
    );
    if (stream === undefined) return NOTHING;
    return {
      receive: (request) => {
        let decoded: WatchRequest;
        try {
          decoded = decodeWatchRequest(request);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          return stream.fail(definite("malformed", error.message));
        }
        stream.receive(decoded);
      },
      // A client that will ask nothing more may still want to hear.
      endOfRequests: () => undefined,
      drained: () => {
        sink.resume();
        stream.drained();
      },
      cancel: () => stream.end(),
    };
  };
}
