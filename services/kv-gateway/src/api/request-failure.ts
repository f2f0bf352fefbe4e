import type { RequestError } from "@quorate/mvcc";
import type { Failure } from "@quorate/wire";

/**
 * Why a request was not carried out, in the words of this service. Codes, not texts: what a client of each door sees is
 * decided in `grpc/status.ts` alone.
 */
export interface RequestFailure {
  readonly code: FailureCode;
  /** True for a write that may nevertheless take effect. Nothing here ever sends such a write again. */
  readonly unknownOutcome: boolean;
  /** For people; shown to the client only where the code has no text of its own. */
  readonly detail?: string;
  /**
   * Set for what a lock or an election was told by the store. In etcd those services are clients of their own server, and
   * hand errors on without the code.
   */
  readonly indirect?: true;
}

/** What a raft-node said after executing the request: the outcome is known. */
export type ExecutionFailureCode = Failure["code"];

/** What this gateway found out on the way. */
export type DeliveryFailureCode =
  /** No answer in time. The next two say more about why, as etcd does. */
  | "timeout"
  | "timeout-leader-failed"
  | "timeout-connection-lost"
  /** The caller asked for a leader and none is known. */
  | "no-leader"
  | "too-many-requests"
  | "too-large"
  /** It is more than this gateway, or the door, may put together. */
  | "answer-too-large"
  | "stopped"
  /** The caller's own deadline, where the caller may still be listening. */
  | "deadline-exceeded"
  /** The member that this gateway stands for does not lead, and no other one may be asked. */
  | "not-leader"
  /** The member whose own state was asked for does not answer. */
  | "member-unreachable";

/** What is wrong with the request itself; found before anything is sent. */
export type ValidationFailureCode =
  | RequestError["code"]
  /** It cannot be decoded; `detail` says where. */
  | "malformed"
  /** It is larger than any request may be, or than a door takes off the wire; `detail` says by how much. */
  | "message-too-large"
  /** Bytes that are no messages, or too few or too many of them; `detail` says which. */
  | "unreadable-message"
  /** A health check for a service that this process does not know. */
  | "unknown-service"
  /** Of a member that shall be added. */
  | "bad-member-urls"
  /** Of a downgrade: what it names is no version, or none that there is a way to. */
  | "bad-downgrade-version"
  | "bad-downgrade-target"
  | "unimplemented"
  | "unsupported-content-type";

/** Why a lock or an election has no answer. */
export type RecipeFailureCode =
  /** The lock's key is gone: its lease has ended, or somebody deleted it. */
  "session-expired" | "not-elected" | "nobody-elected" | "leader-not-provided";

export type FailureCode =
  ExecutionFailureCode | DeliveryFailureCode | ValidationFailureCode | RecipeFailureCode;

/** A failure after which the request certainly has no effect. */
export function definite(code: FailureCode, detail?: string): RequestFailure {
  return detail === undefined ? { code, unknownOutcome: false } : { code, unknownOutcome: false, detail };
}

/** A failure after which nobody here can tell whether the request took effect. */
export function unknownOutcome(code: FailureCode): RequestFailure {
  return { code, unknownOutcome: true };
}
