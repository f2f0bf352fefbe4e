import type { handleBidiStreamingCall, MethodDefinition } from "@grpc/grpc-js";
import { definite } from "../api/request-failure";
import type { StreamMethod, StreamSink } from "../api/stream-method";
import { grpcStatusOf } from "./status";
import { contextOf, rawMethod, RECEIVE_BYTES_MAX, tooLargeText, type FailureListener } from "./unary";

export interface BidiMethod {
  readonly definition: MethodDefinition<Uint8Array, Uint8Array>;
  readonly handler: handleBidiStreamingCall<Uint8Array, Uint8Array>;
}

/** @param name The full name, `etcdserverpb.Watch/Watch`. */
export function bidiMethod(name: string, method: StreamMethod, failed: FailureListener): BidiMethod {
  return {
    definition: { ...rawMethod(`/${name}`, true), requestStream: true },
    handler: (call) => {
      let open = true;
      const sink: StreamSink = {
        send: (response) => open && call.write(response),
        pause: () => void call.pause(),
        resume: () => void call.resume(),
        end: (failure) => {
          if (!open) return;
          open = false;
          if (failure === undefined) return void call.end();
          const { code, message } = grpcStatusOf(failure);
          failed(name, { code, message }, failure.unknownOutcome);
          // How grpc-js is told the status of a stream.
          call.emit("error", { code, details: message.toWellFormed() });
        },
      };
      const stream = method(contextOf(call), sink);
      const whileOpen = (act: () => void) => (): void => {
        if (open) act();
      };
      call.on("data", (request: Uint8Array) => {
        if (!open) return;
        if (request.length <= RECEIVE_BYTES_MAX) return stream.receive(request);
        stream.cancel();
        sink.end(definite("message-too-large", tooLargeText(request.length)));
      });
      call.on(
        "end",
        whileOpen(() => stream.endOfRequests()),
      );
      call.on(
        "drain",
        whileOpen(() => stream.drained()),
      );
      const cancelled = whileOpen(() => {
        open = false;
        stream.cancel();
      });
      call.on("cancelled", cancelled);
      call.on("error", cancelled);
    },
  };
}
