import { utf8 } from "@quorate/base";

/** The buckets of an etcd store. One that makes a store makes all of them, as etcd's own tools expect. */
export const EtcdBucket = {
  /** Changes by revision: see `revision-key.ts`; values are `mvccpb.KeyValue`. */
  KEY: utf8("key"),
  META: utf8("meta"),
  LEASE: utf8("lease"),
  ALARM: utf8("alarm"),
  CLUSTER: utf8("cluster"),
  MEMBERS: utf8("members"),
  MEMBERS_REMOVED: utf8("members_removed"),
  AUTH: utf8("auth"),
  AUTH_USERS: utf8("authUsers"),
  AUTH_ROLES: utf8("authRoles"),
} as const;

/** Keys of the bucket `meta`. */
export const EtcdMeta = {
  /** Index of the last log entry that is applied (8 bytes, big endian), and its term (since etcd 3.5). */
  CONSISTENT_INDEX: utf8("consistent_index"),
  TERM: utf8("term"),
  /** `raftpb.ConfState` in JSON, since etcd 3.5. */
  CONF_STATE: utf8("confState"),
  /** Revision keys: what a compaction has been asked for, and which one is done. */
  SCHEDULED_COMPACTION: utf8("scheduledCompactRev"),
  FINISHED_COMPACTION: utf8("finishedCompactRev"),
} as const;

/** Behind the database a snapshot has the SHA-256 of it: so its size says whether there is one. */
export const SNAPSHOT_DIGEST_BYTES = 32;
const BLOCK_BYTES = 512;

/** Whether a file of that size is a snapshot as clients save it, and not a database that was copied. */
export function hasSnapshotDigest(fileBytes: number): boolean {
  return fileBytes % BLOCK_BYTES === SNAPSHOT_DIGEST_BYTES;
}
