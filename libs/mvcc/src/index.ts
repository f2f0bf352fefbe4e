export {
  checkCompact,
  checkHash,
  checkPut,
  checkRange,
  type LeaseTable,
  type StoreRevisions,
} from "./checks";
export { compactEvents, NO_COMPACTION, type CompactionProgress, type CompactionStep } from "./compaction";
export type { MvccError, RangeTooLargeError } from "./errors";
export { previousKeyValue, previousKeyValues, readEvents } from "./event-log";
export { EventRecorder, type EventRecorderOptions } from "./event-recorder";
export { EventFormatError } from "./event-row";
export { KeyValueHash, workOf, type HashRun } from "./hash-kv";
export { isEmptyRange, isSingleKey, rangeContains, upperEndOf } from "./key-range";
export { range, rangeSlice, SORTED_BYTES_MAX, type RangeBudget, type RangeSlice } from "./range";
export { changesAfter, keptInHistory, keptInLatest } from "./readable-history";
export { storedChange } from "./stored-key-value";
export { checkTxn, choosePath, runTxn, type TxnPath, type TxnStore } from "./txn";
export { isReadOnlyTxn, isSerializableTxn, mayPut } from "./txn-kind";
export * from "./types";
export {
  validateDeleteRange,
  validatePut,
  validateRange,
  validateTxn,
  type RequestError,
  type TxnLimits,
} from "./validation";
export * from "./view";
export { WriteSession, type LeaseAttachments, type WriteSessionDependencies } from "./write-session";
