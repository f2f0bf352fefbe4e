/**
 * The etcd version that clients are told: they derive features from it (kube-apiserver wants at least 3.5.13 for progress
 * requests), and some parse every part as a number, so it is `X.Y.Z` with nothing behind.
 */
export const ETCD_COMPATIBLE_VERSION = "3.6.4";

/** The cluster version of that etcd: what all its members understand. */
export const ETCD_CLUSTER_VERSION = "3.6.0";

/** The storage version of that etcd. */
export const ETCD_STORAGE_VERSION = "3.6.0";

/** Of this service; shown by discovery. */
export const SERVICE_VERSION = "0.1.0";
