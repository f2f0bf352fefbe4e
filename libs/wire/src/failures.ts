import type { RangeTooLargeError } from "@quorate/mvcc";
import type { StateError } from "@quorate/state-machine";
import { quorate } from "./protocol";

const { Code } = quorate.internal.v1.Failure;

/** Why a command or a read changed and answered nothing, as far as a gateway needs to know. */
export interface Failure {
  /** "internal": the node could not do it and says why in `detail`, for people. */
  readonly code: StateError["code"] | RangeTooLargeError["code"] | LeaderJudgement | "internal";
  readonly detail: string;
}

/** Why a leader did not even propose a membership change, or give its leadership away. */
export type LeaderJudgement =
  /** Too few members that have ever answered would be left to decide. */
  | "not-enough-started"
  /** Too few members that answer now would be left to decide. */
  | "unhealthy-cluster"
  /** The learner lags, or does not answer. */
  | "learner-not-ready"
  /** Not a voter. */
  | "bad-transferee"
  /** The target did not take over in time. */
  | "transfer-failed";

/** What a node tells about an error of its state machine. The revisions in it are for logs: no client is told them. */
export function failureOf(error: StateError | RangeTooLargeError): Failure {
  return { code: error.code, detail: "" };
}

export function wireFailure(failure: Failure): quorate.internal.v1.Failure.$Properties {
  return { code: WIRE_CODES[failure.code], detail: failure.detail };
}

/** A code that this gateway does not know yet is an internal failure to it. */
export function failureFromWire(wire: quorate.internal.v1.Failure.$Properties): Failure {
  const code = CODES.get(wire.code ?? Code.UNSPECIFIED);
  if (code === undefined)
    return { code: "internal", detail: `unknown failure code ${wire.code}: ${wire.detail ?? ""}` };
  return { code, detail: wire.detail ?? "" };
}

const WIRE_CODES: Readonly<Record<Failure["code"], quorate.internal.v1.Failure.Code>> = {
  compacted: Code.COMPACTED,
  "future-revision": Code.FUTURE_REVISION,
  "key-not-found": Code.KEY_NOT_FOUND,
  "lease-not-found": Code.LEASE_NOT_FOUND,
  "lease-exists": Code.LEASE_EXISTS,
  "lease-ttl-too-large": Code.LEASE_TTL_TOO_LARGE,
  "member-exists": Code.MEMBER_EXISTS,
  "peer-urls-exist": Code.PEER_URLS_EXIST,
  "member-not-found": Code.MEMBER_NOT_FOUND,
  "member-not-learner": Code.MEMBER_NOT_LEARNER,
  "too-many-learners": Code.TOO_MANY_LEARNERS,
  "no-voters-left": Code.NO_VOTERS_LEFT,
  "membership-unsettled": Code.MEMBERSHIP_UNSETTLED,
  "not-enough-started": Code.NOT_ENOUGH_STARTED,
  "unhealthy-cluster": Code.UNHEALTHY_CLUSTER,
  "learner-not-ready": Code.LEARNER_NOT_READY,
  "bad-transferee": Code.BAD_TRANSFEREE,
  "transfer-failed": Code.TRANSFER_FAILED,
  "no-space": Code.NO_SPACE,
  "corrupt-cluster": Code.CORRUPT_CLUSTER,
  "range-too-large": Code.RANGE_TOO_LARGE,
  internal: Code.INTERNAL,
};

const CODES: ReadonlyMap<number, Failure["code"]> = new Map(
  Object.entries(WIRE_CODES).map(([code, wire]) => [wire, code as Failure["code"]]),
);
