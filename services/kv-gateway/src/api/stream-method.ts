import type { CallContext } from "./api-method";
import type { RequestFailure } from "./request-failure";
import type { SharedResponses } from "./shared-responses";

/**
 * One call of the API in which messages flow: a watch, keeping leases alive. Whichever door it came through, it sees only
 * encoded messages.
 *
 * @param sink Where answers go. May be used, and ended, before this returns.
 * @returns who is told what the caller does.
 */
export type StreamMethod = (context: CallContext, sink: StreamSink) => StreamCall;

/** The caller's end of a stream, made by a door. */
export interface StreamSink {
  /**
   * Sends one encoded etcdserverpb response; the bytes are read before this returns. Without effect once the stream has ended
   * or was cancelled.
   *
   * @returns false if the caller reads more slowly than it is sent to: everything up to here is still delivered, but the
   * method should wait for {@link StreamCall.drained} before it sends more.
   */
  send(response: Uint8Array): boolean;
  /** Takes and sends responses until there are none {@link SharedResponses.left}, or until `send` would return false. */
  sendShared(responses: SharedResponses): boolean;
  /** Leaves further requests unread, which slows the caller down, until {@link resume}. Those already read still come. */
  pause(): void;
  resume(): void;
  /** Ends the stream, in order or with a failure. Nothing is asked of the call afterwards. Idempotent. */
  end(failure?: RequestFailure): void;
}

/** The method's end of a stream. After {@link StreamSink.end} or {@link StreamCall.cancel} nothing more is called. */
export interface StreamCall {
  /** One encoded request. Its bytes are the call's to keep. */
  receive(request: Uint8Array): void;
  /**
   * The caller sends no more, but goes on reading. The method decides what that means: keeping leases alive is over then,
   * a watch goes on.
   */
  endOfRequests(): void;
  /** What `send` returned false for has been read. */
  drained(): void;
  /** The stream is over, and the method did not end it: the caller is gone or sent nonsense, or the door stops. */
  cancel(): void;
}
