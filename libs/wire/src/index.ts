export * from "./alarms";
export * from "./backup-requests";
export * from "./broker-permissions";
export * from "./batch";
export { chainChunk } from "./chunk-chain";
export * from "./commands";
export * from "./errors";
export * from "./etcd-requests";
export {
  ResponseEncoder,
  type HashKvResponse,
  type LeaseTimeToLiveResponse,
  type ResponseOrigin,
} from "./etcd-responses";
export * from "./event-message";
export * from "./event-seat";
export * from "./feed";
export { failureOf, type Failure, type LeaderJudgement } from "./failures";
export { headerRevisionOf } from "./header-revision";
export * from "./int64";
export type { Damage, EffectDigest, IntegrityNote } from "./integrity-note";
export * from "./json";
export { rpcSchemaOf, type RpcSchema } from "./json-schema";
export { encodeLeaseCheckpoint, encodeLeaseExpire } from "./lease-commands";
export * from "./maintenance-requests";
export * from "./membership";
export * from "./node-requests";
export * from "./node-status";
export * from "./peer";
export * from "./protocol";
export * from "./range-pages";
export * from "./snapshot-chunks";
export * from "./subjects";
export * from "./watch-responses";
export * from "./watch-stream";
