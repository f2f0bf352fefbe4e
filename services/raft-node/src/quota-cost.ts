import type { RequestOp } from "@quorate/mvcc";
import type { Command } from "@quorate/state-machine";
import { decodeCommandBatch, DecodeError } from "@quorate/wire";

/** What a put and a lease count beside their bytes, as in etcd (server/storage/quota.go). */
const PUT_BYTES = 256;
const LEASE_BYTES = 64;
/** Per encoded byte no command costs more than an empty put in a transaction does: its tags and lengths are 4 bytes. */
const COST_PER_BYTE_MAX = PUT_BYTES / 4 + 1;

/** Never less than {@link costOfBatch}, without a look at the commands. */
export function costOfBatchMax(data: Uint8Array): number {
  return data.length * COST_PER_BYTE_MAX;
}

/** What the commands in a proposal's payload count against the quota, in bytes; 0 if it cannot be decoded. */
export function costOfBatch(data: Uint8Array): number {
  try {
    return decodeCommandBatch(data).reduce((sum, command) => sum + costOf(command), 0);
  } catch (error) {
    if (error instanceof DecodeError) return 0; // applying it will change nothing
    throw error;
  }
}

function costOf(command: Command | RequestOp): number {
  switch (command.kind) {
    case "put":
      return PUT_BYTES + command.request.key.length + command.request.value.length;
    case "txn":
      return Math.max(sumOf(command.request.success), sumOf(command.request.failure));
    case "lease-grant":
      return LEASE_BYTES;
    default:
      return 0;
  }
}

function sumOf(operations: readonly RequestOp[]): number {
  return operations.reduce((sum, operation) => sum + costOf(operation), 0);
}
