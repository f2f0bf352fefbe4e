import type { RangeTooLargeError } from "@quorate/mvcc";
import type { StateError } from "@quorate/state-machine";
import { quorate } from "./protocol";

const { Code } = quorate.internal.v1.Failure;

/** Why a command or a read changed and answered nothing, as far as a gateway needs to know. */
export interface Failure {
  /** "internal": the node could not do it and says why in `detail`, for people. */
  readonly code: StateError["code"] | RangeTooLargeError["code"] | "internal";
  readonly detail: string;
}

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
  "no-space": Code.NO_SPACE,
  "corrupt-cluster": Code.CORRUPT_CLUSTER,
  "range-too-large": Code.RANGE_TOO_LARGE,
  internal: Code.INTERNAL,
};

const CODES: ReadonlyMap<number, Failure["code"]> = new Map(
  Object.entries(WIRE_CODES).map(([code, wire]) => [wire, code as Failure["code"]]),
);
