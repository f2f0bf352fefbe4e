import type { CallOutcome } from "../actors/pending-call";

/** What a door can bring that puts an answer into one message of the broker, or one text. */
export const ANSWER_BYTES_MAX = 48 * 1024 * 1024;

/** What the caller asks for beside the request itself. */
export interface CallContext {
  /** How long the caller waits at most, in milliseconds; Infinity if it did not say. */
  readonly timeoutMs: number;
  /** Fail at once if no leader is known (etcd's `hasleader` metadata). */
  readonly requireLeader: boolean;
  /** The largest answer that the caller can be brought, in bytes; {@link ANSWER_BYTES_MAX} unless its door says otherwise. */
  readonly answerBytesMax?: number;
  /** The caller's W3C trace context, if it sent one. */
  readonly traceparent?: string;
  /** False: it is a part of a request that is not traced, and nor is this. */
  readonly traced?: false;
  /** The caller's authentication token, if it sent one. */
  readonly token?: string;
}

/** Something the caller may stop waiting for. */
export interface Abandonable {
  abandon(): void;
}

/**
 * One call of the API, whichever door it came through.
 *
 * @param request An encoded etcdserverpb request. The call keeps it: it must not change afterwards.
 * @param reply Called exactly once, unless the call is abandoned first. May be called before this returns.
 * @returns what to abandon when the caller goes away; `undefined` if that would change nothing.
 */
export type ApiMethod = (
  request: Uint8Array,
  context: CallContext,
  reply: (outcome: CallOutcome) => void,
) => Abandonable | undefined;
