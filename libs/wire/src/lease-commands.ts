import type { LeaseId } from "@quorate/lease";
import type { LeaseCheckpointRequest, LeaseExpireRequest } from "@quorate/state-machine";
import { counterOf, signedId, wireId } from "./int64";
import { decodeMessage, quorate } from "./protocol";

// What a leader itself puts into the log about leases.

const { LeaseCheckpoints, LeaseExpire } = quorate.internal.v1;

export function encodeLeaseExpire({ id, sequence, term }: LeaseExpireRequest): Uint8Array {
  return LeaseExpire.encode({ lease: wireId(id), sequence, term }).finish();
}

/** @throws {DecodeError} */
export function decodeLeaseExpire(bytes: Uint8Array): LeaseExpireRequest {
  const message = decodeMessage("LeaseExpire", LeaseExpire, bytes);
  return {
    id: signedId(message.lease) as LeaseId,
    sequence: counterOf(message.sequence, "sequence"),
    term: counterOf(message.term, "term"),
  };
}

export function encodeLeaseCheckpoint({ term, checkpoints }: LeaseCheckpointRequest): Uint8Array {
  return LeaseCheckpoints.encode({
    term,
    checkpoints: checkpoints.map(({ id, sequence, remainingSeconds }) => ({
      lease: wireId(id),
      sequence,
      remainingSeconds,
    })),
  }).finish();
}

/** @throws {DecodeError} */
export function decodeLeaseCheckpoint(bytes: Uint8Array): LeaseCheckpointRequest {
  const message = decodeMessage("LeaseCheckpoints", LeaseCheckpoints, bytes);
  return {
    term: counterOf(message.term, "term"),
    checkpoints: message.checkpoints.map(({ lease, sequence, remainingSeconds }) => ({
      id: signedId(lease ?? 0) as LeaseId,
      sequence: counterOf(sequence ?? 0, "sequence"),
      remainingSeconds: counterOf(remainingSeconds ?? 0, "remaining_seconds"),
    })),
  };
}
