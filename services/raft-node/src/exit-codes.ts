/**
 * Why the process ended, for supervisors and operators; 2 stands for bad options. Others follow sysexits.h where it has a
 * word for it.
 */
export const EXIT = {
  /** An address that it serves at is taken. Starting again does not help. */
  cannotListen: 64,
  /** The broker could not be reached in time. */
  brokerUnavailable: 69,
  /** A write or sync failed, or a thread died: what is on disk is unknown until it is reopened. */
  storageFailed: 70,
  /** A bug broke a rule that the replica's safety rests on. */
  invariantBroken: 71,
  /** The data directory is another's, is damaged, or cannot be opened. Starting again does not help. */
  dataDirectory: 73,
  /** Its data were found to be damaged: it has fenced itself, and does not start until an operator has acted. */
  fenced: 74,
  /** Another process uses this member's identity or directory. */
  alreadyRunning: 75,
  /** The broker forbids what a member needs, or its credentials are of no use: somebody must put that right. */
  brokerDenied: 76,
  /** The cluster has removed this member, which is for ever. */
  memberRemoved: 77,
  /** The cluster, or its data, is of a newer version than this build knows. Nothing was changed. */
  unsupportedVersion: 78,
} as const;
