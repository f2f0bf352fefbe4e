export {
  changeConfiguration,
  isJoint,
  type ChangeResult,
  type ConfigurationChange,
  type ConfigurationError,
} from "./configuration/change";
export * from "./effect";
export * from "./input";
export * from "./message";
export * from "./types";
export { type ChainHash, crcChainHash } from "./chain-hash";
export { RAFT_DEFAULTS, type RaftOptions } from "./options";
export { isAtLeast } from "./log/entry-order";
export { isVoter, membersOf, quorumValue } from "./quorum/quorum";
export { Raft } from "./raft";
export type { RaftStart } from "./start";
export type { PeerStatus, RaftStatus } from "./status";
export type { Progress } from "./tracker/peer";
