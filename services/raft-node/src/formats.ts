import { CLUSTER_VERSION_MAX, STATE_FORMAT } from "@quorate/state-machine";
import { LOG_FORMAT } from "@quorate/storage";
import { PEER_FORMAT_MAX, SNAPSHOT_FORMAT } from "@quorate/wire";

/**
 * Everything that outlives a process, or goes to one of another build, with the highest version of it that this build reads
 * and writes. Each number lives beside its codec. An older one is read for ever, and stays what it is until its rows are
 * written anew; a newer one is refused before anything is changed, and the process ends with `EXIT.unsupportedVersion`.
 *
 * Fields that can be added so that older builds may ignore them need no new number. Whatever changes the effects of an entry
 * needs a new cluster version, and no new format.
 */
export const FORMATS = {
  /** Rows of `raft/`; the row "identity" says it from the creation on. */
  log: LOG_FORMAT,
  /** Rows of `state/`; the row "format" of `meta` says it from the first batch on, missing: 1. */
  state: STATE_FORMAT,
  /** Chunks of a snapshot on their way; the last one says it. A newer one is given up, and asked for again. */
  snapshot: SNAPSHOT_FORMAT,
  /** Envelopes between members; each says it. 1 under the first cluster version, 2 afterwards. */
  peers: PEER_FORMAT_MAX,
  /** By which rules entries are applied: replicated, see `cluster-version.ts` of the state machine. */
  clusterVersion: CLUSTER_VERSION_MAX,
} as const;
