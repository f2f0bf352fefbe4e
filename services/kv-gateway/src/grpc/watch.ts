import type { MethodDefinition, ServerDuplexStream } from "@grpc/grpc-js";
import { DecodeError, decodeWatchRequest, type WatchRequest } from "@quorate/wire";
import { definite, type RequestFailure } from "../api/request-failure";
import type { WatchApi } from "../watch/watch-api";
import type { GrpcService } from "./server";
import { grpcStatusOf } from "./status";
import { firstOf, rawMethod, RECEIVE_BYTES_MAX, type FailureListener } from "./unary";

type WatchCall = ServerDuplexStream<Uint8Array, Uint8Array>;

const NAME = "etcdserverpb.Watch/Watch";

/** `etcdserverpb.Watch`: one method, one stream with any number of watchers. */
export function watchService(api: WatchApi, failed: FailureListener): GrpcService {
  const method: MethodDefinition<Uint8Array, Uint8Array> = {
    ...rawMethod(`/${NAME}`, true),
    requestStream: true,
  };
  return {
    definition: { Watch: method },
    implementation: { Watch: (call: WatchCall) => watch(call, api, failed) },
  };
}

function watch(call: WatchCall, api: WatchApi, failed: FailureListener): void {
  const fail = (failure: RequestFailure): void => {
    const { code, message } = grpcStatusOf(failure);
    failed(NAME, { code, message }, false);
    // How grpc-js is told the status of a stream.
    call.emit("error", { code, details: message.toWellFormed() });
  };
  const write = (response: Uint8Array): boolean => {
    const goesOn = call.write(response);
    // Whoever does not read cannot ask either: answers to what it asks would pile up here.
    if (!goesOn) call.pause();
    return goesOn;
  };
  const stream = api.open({ write, fail }, firstOf(call.metadata, "hasleader") === "true");
  if (stream === undefined) return;
  call.on("data", (request: Uint8Array) => {
    const decoded = decodedOr(request, (failure) => stream.fail(failure));
    if (decoded !== undefined) stream.receive(decoded);
  });
  call.on("drain", () => {
    call.resume();
    stream.drained();
  });
  // A client that will ask nothing more may still want to hear: its "end" is no reason to stop.
  call.on("cancelled", () => stream.end());
  call.on("close", () => stream.end());
}

function decodedOr(request: Uint8Array, fail: (failure: RequestFailure) => void): WatchRequest | undefined {
  if (request.length > RECEIVE_BYTES_MAX) {
    fail(definite("too-large"));
    return undefined;
  }
  try {
    return decodeWatchRequest(request);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    fail(definite("malformed", error.message));
    return undefined;
  }
}
