import type { FailureCode, RequestFailure } from "../api/request-failure";

/** gRPC's numbers, by their names there. */
export const GrpcCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
} as const;

export interface ClientStatus {
  readonly code: number;
  readonly message: string;
}

/** Takes the place of the text where only the failure itself can tell. */
const DETAIL = Symbol("the failure's own words");

/**
 * What clients of etcd are told, byte for byte: they find out what happened by comparing the text (etcd:
 * api/v3rpc/rpctypes/error.go), so a text is part of the protocol. This table is the only place that knows them.
 */
const STATUS: Readonly<Record<FailureCode, readonly [code: number, text: string | typeof DETAIL]>> = {
  "key-not-provided": [GrpcCode.INVALID_ARGUMENT, "etcdserver: key is not provided"],
  // etcd calls an operation without a request by the name of another mistake.
  "empty-operation": [GrpcCode.INVALID_ARGUMENT, "etcdserver: key not found"],
  "key-not-found": [GrpcCode.INVALID_ARGUMENT, "etcdserver: key not found"],
  "value-provided": [GrpcCode.INVALID_ARGUMENT, "etcdserver: value is provided"],
  "lease-provided": [GrpcCode.INVALID_ARGUMENT, "etcdserver: lease is provided"],
  "too-many-operations": [GrpcCode.INVALID_ARGUMENT, "etcdserver: too many operations in txn request"],
  "duplicate-key": [GrpcCode.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request"],
  "invalid-sort-option": [GrpcCode.INVALID_ARGUMENT, "etcdserver: invalid sort option"],
  "too-large": [GrpcCode.INVALID_ARGUMENT, "etcdserver: request is too large"],
  compacted: [GrpcCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"],
  "future-revision": [GrpcCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"],
  "lease-not-found": [GrpcCode.NOT_FOUND, "etcdserver: requested lease not found"],
  "lease-exists": [GrpcCode.FAILED_PRECONDITION, "etcdserver: lease already exists"],
  "lease-ttl-too-large": [GrpcCode.OUT_OF_RANGE, "etcdserver: too large lease TTL"],
  "bad-member-urls": [GrpcCode.INVALID_ARGUMENT, "etcdserver: given member URLs are invalid"],
  "bad-downgrade-version": [GrpcCode.INVALID_ARGUMENT, "etcdserver: wrong downgrade target version format"],
  "bad-downgrade-target": [GrpcCode.INVALID_ARGUMENT, "etcdserver: invalid downgrade target version"],
  "member-exists": [GrpcCode.FAILED_PRECONDITION, "etcdserver: member ID already exist"],
  "peer-urls-exist": [GrpcCode.FAILED_PRECONDITION, "etcdserver: Peer URLs already exists"],
  "member-not-found": [GrpcCode.NOT_FOUND, "etcdserver: member not found"],
  "member-not-learner": [GrpcCode.FAILED_PRECONDITION, "etcdserver: can only promote a learner member"],
  "learner-not-ready": [
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  "too-many-learners": [GrpcCode.FAILED_PRECONDITION, "etcdserver: too many learner members in cluster"],
  "not-enough-started": [
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  // To etcd the last voter is a member without which too few are started.
  "no-voters-left": [
    GrpcCode.FAILED_PRECONDITION,
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  "unhealthy-cluster": [GrpcCode.UNAVAILABLE, "etcdserver: unhealthy cluster"],
  // etcd has no word for a change that meets another one: it waits until the request times out.
  "membership-unsettled": [GrpcCode.UNAVAILABLE, "etcdserver: request timed out"],
  "bad-transferee": [GrpcCode.FAILED_PRECONDITION, "etcdserver: bad leader transferee"],
  "transfer-failed": [GrpcCode.UNKNOWN, "etcdserver: request timed out, leader transfer took too long"],
  "no-space": [GrpcCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"],
  "corrupt-cluster": [GrpcCode.DATA_LOSS, "etcdserver: corrupt cluster"],
  // The next two have no counterpart: etcd holds any answer whole, in every process that it passes.
  "range-too-large": [
    GrpcCode.RESOURCE_EXHAUSTED,
    "quorate: a range that is not in key order is limited to 32 MiB: narrow it, or sort it yourself",
  ],
  "answer-too-large": [
    GrpcCode.RESOURCE_EXHAUSTED,
    "quorate: the answer is larger than may be held at once: ask with a limit, or for a RangeStream",
  ],
  // etcd documents RESOURCE_EXHAUSTED and sends UNKNOWN by mistake; clients go by the text.
  "too-many-requests": [GrpcCode.RESOURCE_EXHAUSTED, "etcdserver: too many requests"],
  "not-leader": [GrpcCode.FAILED_PRECONDITION, "etcdserver: not leader"],
  "no-leader": [GrpcCode.UNAVAILABLE, "etcdserver: no leader"],
  timeout: [GrpcCode.UNAVAILABLE, "etcdserver: request timed out"],
  "timeout-leader-failed": [
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, possibly due to previous leader failure",
  ],
  "timeout-connection-lost": [
    GrpcCode.UNAVAILABLE,
    "etcdserver: request timed out, possibly due to connection lost",
  ],
  stopped: [GrpcCode.UNAVAILABLE, "etcdserver: server stopped"],
  // A client of etcd would not even be connected; to it an unreachable member is UNAVAILABLE, which is retried elsewhere.
  "member-unreachable": [GrpcCode.UNAVAILABLE, "etcdserver: server stopped"],
  malformed: [GrpcCode.INVALID_ARGUMENT, DETAIL],
  "unsupported-content-type": [GrpcCode.INVALID_ARGUMENT, DETAIL],
  "message-too-large": [GrpcCode.RESOURCE_EXHAUSTED, DETAIL],
  "unreadable-message": [GrpcCode.INTERNAL, DETAIL],
  "unknown-service": [GrpcCode.NOT_FOUND, "unknown service"],
  unimplemented: [GrpcCode.UNIMPLEMENTED, DETAIL],
  "session-expired": [GrpcCode.UNKNOWN, "mutex: session is expired"],
  "not-elected": [GrpcCode.UNKNOWN, "election: not leader"],
  "nobody-elected": [GrpcCode.UNKNOWN, "election: no leader"],
  "leader-not-provided": [GrpcCode.UNKNOWN, '"leader" field must be provided'],
  "deadline-exceeded": [GrpcCode.DEADLINE_EXCEEDED, "context deadline exceeded"],
  // Whatever etcd has no status for reaches clients as UNKNOWN with the internal text.
  internal: [GrpcCode.UNKNOWN, DETAIL],
};

/** What a client is told about `failure`. */
export function statusOf(failure: RequestFailure): ClientStatus {
  const [code, text] = STATUS[failure.code];
  const message = text === DETAIL ? (failure.detail ?? failure.code) : text;
  return { code: failure.indirect === true ? GrpcCode.UNKNOWN : code, message };
}

/**
 * The same for clients of the gRPC door. There a request that is no valid protobuf is the transport's business, and
 * grpc-go, which etcd is built on, calls it INTERNAL.
 */
export function grpcStatusOf(failure: RequestFailure): ClientStatus {
  const status = statusOf(failure);
  if (failure.code !== "malformed") return status;
  return { code: GrpcCode.INTERNAL, message: `grpc: error unmarshalling request: ${status.message}` };
}
