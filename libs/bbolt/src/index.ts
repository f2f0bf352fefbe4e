export { BucketReader, DatabaseReader, type DatabaseReaderOptions, type Row } from "./database-reader";
export {
  DatabaseWriter,
  type DatabaseWriterDependencies,
  type DatabaseWriterOptions,
} from "./database-writer";
export { DamagedDatabaseError } from "./errors";
export * from "./etcd/etcd-schema";
export { decodeLeaseRow, encodeLeaseRow, leaseKey, type EtcdLease } from "./etcd/lease-row";
export { revisionKey, revisionOfKey, type EtcdRevision } from "./etcd/revision-key";
export { readAtOf, type ReadAt } from "./read-at";
