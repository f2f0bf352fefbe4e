import { isSingleKey, type RequestOp, type TxnRequest } from "@quorate/mvcc";
import type { Command, CommittedEntry } from "./types";

/**
 * The keys that the entries will look up one by one, so that they can be loaded together: those of puts and of single-key
 * deletes and compares, in both branches of a transaction, because the branch is not chosen yet. May repeat keys.
 */
export function pointKeysOf(entries: readonly CommittedEntry[]): Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (const entry of entries) {
    for (const command of entry.commands) if (isOperation(command)) addOperation(keys, command);
  }
  return keys;
}

function isOperation(command: Command): command is Extract<Command, RequestOp> {
  return command.kind === "put" || command.kind === "delete-range" || command.kind === "txn";
}

function addOperation(keys: Uint8Array[], op: RequestOp): void {
  if (op.kind === "txn") addTxn(keys, op.request);
  else if (op.kind === "put") keys.push(op.request.key);
  else if (op.kind === "delete-range" && isSingleKey(op.request)) keys.push(op.request.key);
}

function addTxn(keys: Uint8Array[], txn: TxnRequest): void {
  for (const compare of txn.compare) if (isSingleKey(compare)) keys.push(compare.key);
  for (const op of txn.success) addOperation(keys, op);
  for (const op of txn.failure) addOperation(keys, op);
}
