import { utf8 } from "@quorate/base";
import {
  NO_LEASE,
  type Compare,
  type CompareTarget,
  type DeleteRangeRequest,
  type LeaseId,
  type PutRequest,
  type RangeRequest,
  type Revision,
  type TxnRequest,
} from "../types";

/** Requests with every field set, from the few that a test cares about. Text stands for its UTF-8 bytes. */
type Bytes = Uint8Array | string;

const NO_REVISION = 0 as Revision;

export function bytes(of: Bytes): Uint8Array {
  return typeof of === "string" ? utf8(of) : of;
}

export function rangeRequest(key: Bytes, end?: Bytes, rest: Partial<RangeRequest> = {}): RangeRequest {
  return {
    key: bytes(key),
    rangeEnd: end === undefined ? undefined : bytes(end),
    limit: 0,
    revision: NO_REVISION,
    sortOrder: "none",
    sortTarget: "key",
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: NO_REVISION,
    maxModRevision: NO_REVISION,
    minCreateRevision: NO_REVISION,
    maxCreateRevision: NO_REVISION,
    ...rest,
  };
}

export function putRequest(key: Bytes, value: Bytes = "", rest: Partial<PutRequest> = {}): PutRequest {
  return {
    key: bytes(key),
    value: bytes(value),
    lease: NO_LEASE,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
    ...rest,
  };
}

export function deleteRequest(key: Bytes, end?: Bytes, prevKv = false): DeleteRangeRequest {
  return { key: bytes(key), rangeEnd: end === undefined ? undefined : bytes(end), prevKv };
}

export function compareOf(
  key: Bytes,
  target: CompareTarget,
  result: Compare["result"] = "equal",
  end?: Bytes,
): Compare {
  return { key: bytes(key), rangeEnd: end === undefined ? undefined : bytes(end), result, target };
}

export function txnRequest(parts: Partial<TxnRequest>): TxnRequest {
  return { compare: [], success: [], failure: [], ...parts };
}

export function revision(of: number): Revision {
  return of as Revision;
}

export function lease(of: bigint): LeaseId {
  return of as LeaseId;
}
