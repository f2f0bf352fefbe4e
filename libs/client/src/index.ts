export { QuorateError, type Outcome, type QuorateErrorCode } from "./errors";
export {
  Informer,
  InformerFullError,
  type InformerDependencies,
  type InformerOptions,
} from "./informer/informer";
export type { Decode } from "./informer/informer-cache";
export type { InformerEntry, InvalidEntry } from "./informer/informer-entry";
export type { InformerEvent } from "./informer/informer-event";
export type { InformerEvents } from "./informer/informer-events";
export { between, everyKey, exactly, prefix, startingAt, type Bytes, type KeyRange } from "./key-range";
export { KeyValue, type KeyValueFields } from "./key-value";
export { Lease, LeaseLostError, type LeaseCalls, type LeaseFields } from "./lease";
export {
  ClusterMembership,
  type MemberAddition,
  type MembershipChange,
  type NewMember,
} from "./membership/cluster-membership";
export type { CallOptions } from "./pending-call";
export {
  QuorateClient,
  type ClientDependencies,
  type ClientOptions,
  type ConnectOptions,
} from "./quorate-client";
export { Claim, ClaimLostError } from "./recipes/claim";
export { Election, Leadership } from "./recipes/election";
export { HeldLock, Mutex } from "./recipes/mutex";
export type { RecipeOptions, WaitOptions } from "./recipes/recipe-dependencies";
export type { DeleteOptions, PutOptions, RangeOptions, ReadOptions, SortTarget } from "./requests";
export type {
  Alarm,
  DeleteResult,
  LeaseGrant,
  LeaseRenewal,
  LeaseTimeToLive,
  Member,
  MemberStatus,
  OperationResult,
  PutResult,
  RangeResult,
  ResponseHeader,
  TransactionResult,
} from "./results";
export {
  compare,
  operation,
  TransactionBuilder,
  type CompareOperator,
  type Condition,
  type Operation,
  type TransactionPlan,
} from "./transaction";
export {
  WatchConnection,
  type WatchConnectionDependencies,
  type WatchConnectionOptions,
} from "./watch/watch-connection";
export { Watch, WatchCompactedError, type WatchEvent, type WatchOptions } from "./watch/watch";
