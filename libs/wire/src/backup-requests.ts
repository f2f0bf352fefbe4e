import { counterOf } from "./int64";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.internal.v1;

/** Asks for the chunk `sequence` (from 0) of a member's state, or says that no more will be asked for. */
export type BackupRequest =
  | { readonly kind: "read"; readonly transfer: number; readonly sequence: number }
  | { readonly kind: "close"; readonly transfer: number };

/** Asked for the first chunk, it holds no more backups; later, not this one any more: {@link encodeSnapshotGone}. */
export function encodeBackupRequest(request: BackupRequest): Uint8Array {
  const { transfer } = request;
  if (request.kind === "close") return wire.BackupRequest.encode({ transfer, close: true }).finish();
  return wire.BackupRequest.encode({ transfer, sequence: request.sequence }).finish();
}

/** @throws {DecodeError} */
export function decodeBackupRequest(bytes: Uint8Array): BackupRequest {
  const message = decodeMessage("BackupRequest", wire.BackupRequest, bytes);
  const transfer = counterOf(message.transfer, "transfer");
  return message.close ? { kind: "close", transfer } : { kind: "read", transfer, sequence: message.sequence };
}
