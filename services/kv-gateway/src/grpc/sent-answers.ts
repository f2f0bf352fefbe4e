import type { ServerInterceptingCallInterface, ServerInterceptor, ServerUnaryCall } from "@grpc/grpc-js";
import type { AnswerHold } from "../actors/pending-call";

/** The claims of answers that the library was handed and has not written yet, by their bytes. */
const unsent = new WeakMap<object, AnswerHold>();

/** Keeps the claim of a large answer until a client has taken it, or has gone. */
export function holdUntilSent(
  call: Pick<ServerUnaryCall<unknown, unknown>, "on">,
  bytes: Uint8Array,
  hold: AnswerHold,
): void {
  hold.keep();
  unsent.set(bytes, hold);
  call.on("cancelled", () => hold.release());
}

/**
 * Releases what {@link holdUntilSent} holds. Only Range has large answers; other calls are not touched. The library says when a
 * message was written to no one but an interceptor.
 */
export const releasingSentAnswers: ServerInterceptor = (method, call) => {
  if (method.path === "/etcdserverpb.KV/Range") {
    const send: ServerInterceptingCallInterface["sendMessage"] = call.sendMessage.bind(call);
    call.sendMessage = (message: object, sent) => {
      const hold = unsent.get(message);
      if (hold === undefined) return send(message, sent);
      send(message, () => {
        hold.release();
        sent();
      });
    };
  }
  // The type of the library asks for its own class; what it calls is this interface.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  return call as ReturnType<ServerInterceptor>;
};
