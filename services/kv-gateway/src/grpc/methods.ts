import type { ServerHttp2Stream } from "node:http2";
import type { Abandonable, ApiMethod, CallContext } from "../api/api-method";
import { definite } from "../api/request-failure";
import type { StreamMethod, StreamSink } from "../api/stream-method";
import type { GrpcCall } from "./call";
import type { Chunks } from "./chunks";
import { MessageWriter } from "./message-writer";
import { framed, prefixOf } from "./messages";

/** Runs one call of a method. */
export type GrpcMethod = (call: GrpcCall, stream: ServerHttp2Stream, context: CallContext) => void;

/** One request, one answer. */
export function unaryGrpcMethod(method: ApiMethod): GrpcMethod {
  return (call, stream, context) => {
    let request: Uint8Array | undefined;
    let pending: Abandonable | undefined;
    call.read({
      receive: (message) => {
        if (request === undefined) request = message;
        else call.end(definite("unreadable-message", "grpc: more than one message for a unary call"));
      },
      endOfRequests: () => {
        if (request === undefined)
          return call.end(definite("unreadable-message", "grpc: no message was sent"));
        pending = method(request, context, (outcome) => {
          if (outcome.kind === "failed") return call.end(outcome.failure);
          const { bytes, hold } = outcome;
          if (hold === undefined) return call.end(undefined, framed(bytes));
          // A large answer is not copied, and counts against the memory for those until the client has it.
          hold.keep();
          stream.once("close", () => hold.release());
          call.begin();
          stream.write(prefixOf(bytes.length));
          call.end(undefined, bytes);
        });
      },
      cancel: () => pending?.abandon(),
    });
  };
}

/** Messages flow, in one direction or in both. */
export function streamGrpcMethod(method: StreamMethod, chunks: Chunks): GrpcMethod {
  return (call, stream, context) => {
    const drained = (): void => {
      if (call.isOpen) handler.drained();
    };
    const writer = new MessageWriter(stream, { chunks, drained });
    const sink: StreamSink = {
      send: (response) => {
        if (!call.isOpen) return true;
        call.begin();
        return writer.write(response);
      },
      sendShared: (responses) => {
        if (!call.isOpen) return true;
        call.begin();
        return writer.writeShared(responses);
      },
      pause: () => void stream.pause(),
      resume: () => void stream.resume(),
      end: (failure) => {
        writer.flush();
        call.end(failure);
      },
    };
    const handler = method(context, sink);
    if (call.isOpen) call.read(handler);
  };
}
